import { generateKeyPairSync } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Ending } from './recording-upstream.ts'

/** A real authorization server that is not ours. */
export interface RemoteProvider {
  readonly issuer: string
  /** The paths of all requests. */
  readonly asked: readonly string[]
  /** A token of `remote`, or of another of its clients: a JWT for `urn:jwt:…`, else an opaque one. */
  token(options?: TokenOptions): Promise<string>
  revoke(token: string): Promise<void>
  /** Takes no more connections, or does again. */
  stop(): Promise<void>
  start(): Promise<void>
}

export interface TokenOptions {
  readonly client?: 'remote' | 'stranger'
  readonly scope?: string
  readonly resource?: string
}

export const GATE = { id: 'gate', secret: 'the secret of the gate' }
const SECRET = 'the secret of a client'

interface Constructor {
  new (issuer: string, configuration: unknown): { callback(): RequestListener }
}

/** The package tells its version's support and its defaults to the console; that is not for a test's output. */
async function load(): Promise<Constructor> {
  const { info, warn } = console
  console.info = console.warn = () => undefined
  try {
    // Not typed, and not worth it.
    const name: string = 'oidc-provider'
    return ((await import(name)) as { default: Constructor }).default
  } finally {
    Object.assign(console, { info, warn })
  }
}

export async function remoteProvider(t: Ending): Promise<RemoteProvider> {
  const Provider = await load()
  const asked: string[] = []
  const server = createServer()
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const port = await listen(0)
  const issuer = `http://localhost:${port}`
  const { info } = console
  console.info = () => undefined
  const answer = new Provider(issuer, configuration()).callback()
  console.info = info
  server.on('request', (request, response) => {
    asked.push(request.url ?? '')
    answer(request, response)
  })
  const stop = async () => {
    if (!server.listening) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  t.teardown(stop)

  const post = async (path: string, form: Readonly<Record<string, string>>, client: string) => {
    const authorization = `Basic ${btoa(`${client}:${encodeURIComponent(SECRET)}`)}`
    const body = new URLSearchParams(form)
    const response = await fetch(issuer + path, {
      method: 'POST',
      headers: { authorization },
      body,
    })
    if (!response.ok) throw new Error(`${path}: ${await response.text()}`)
    return response.text()
  }
  return {
    issuer,
    asked,
    async token({ client = 'remote', scope = 'read', resource } = {}) {
      const form = { grant_type: 'client_credentials', scope, ...(resource && { resource }) }
      const granted = JSON.parse(await post('/token', form, client)) as { access_token: string }
      return granted.access_token
    },
    async revoke(token) {
      await post('/token/revocation', { token }, 'remote')
    },
    stop,
    async start() {
      await listen(port)
    },
  }
}

function configuration() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const key = { ...privateKey.export({ format: 'jwk' }), kid: 'k1', use: 'sig', alg: 'ES256' }
  const client = (id: string, secret: string, grants: readonly string[]) => ({
    client_id: id,
    client_secret: secret,
    grant_types: grants,
    redirect_uris: [],
    response_types: [],
    id_token_signed_response_alg: 'ES256',
  })
  return {
    jwks: { keys: [key] },
    clients: [
      client('remote', SECRET, ['client_credentials']),
      client('stranger', SECRET, ['client_credentials']),
      client(GATE.id, GATE.secret, []),
    ],
    scopes: ['read', 'write'],
    ttl: { ClientCredentials: () => 600 },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      revocation: { enabled: true },
      introspection: {
        enabled: true,
        allowedPolicy: async (_context: unknown, caller: { clientId: string }) =>
          caller.clientId === GATE.id,
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: async () => undefined,
        useGrantedResource: async () => true,
        getResourceServerInfo: async (_context: unknown, resource: string) => ({
          scope: 'read write',
          audience: resource,
          accessTokenFormat: resource.startsWith('urn:jwt:') ? 'jwt' : 'opaque',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
  }
}
