import type { TestFn } from 'ava'
import { load } from 'js-yaml'

import { secretClient } from '../../support/clients.ts'
import { pki } from '../../support/pki.ts'
import type { Pki } from '../../support/pki.ts'
import { recordingUpstream } from '../../support/recording-upstream.ts'
import type { Arrived, Ending, RecordingUpstream } from '../../support/recording-upstream.ts'
import { freePort } from '../../support/redis-server.ts'
import { basic, send } from '../../support/send.ts'
import type { Received, SendOptions } from '../../support/send.ts'
import { startSidecar } from '../../support/start-sidecar.ts'
import { example, runProxy, testWith } from './proxy.ts'
import type { ProxyProgram } from './proxy.ts'

/** What a proxy has to be told of its surroundings. */
export interface Surroundings {
  /** Where it listens. */
  readonly port: number
  readonly sidecarPort: number
  readonly upstreamPort: number
  readonly pki: Pki
}

export interface ProxyExample {
  /** The folder under deploy/examples. */
  readonly folder: string
  /** The program, and arguments with which it says that it is there. */
  readonly probe: readonly [program: string, ...args: string[]]
  run(surroundings: Surroundings): ProxyProgram
}

interface Running {
  send(options: SendOptions): Promise<Received>
  /** What reached the API of the request with this query. */
  arrived(mark: string): readonly Arrived[]
}

const SECRET = 'a generated secret'
const AUTHORIZATION = basic('batch', SECRET)
const ROUTES = [
  { path: '/public/**', public: true },
  { path: '/orders/**', methods: ['GET', 'POST'], scopes: ['read'] },
  { path: '/admin/**', scopes: ['admin'] },
]
const NAMES = [
  'X-Client-Id',
  'X-Client-Name',
  'X-Client-Scopes',
  'X-Client-Auth-Method',
  'X-Client-Certificate-Thumbprint',
  'X-Request-Id',
]
const SPELLINGS: Readonly<Record<string, (name: string) => string>> = {
  'as it is': (name) => name,
  'in lower case': (name) => name.toLowerCase(),
  'in capitals': (name) => name.toUpperCase(),
  'with underscores': (name) => name.replaceAll('-', '_'),
  'with one underscore': (name) => name.replace('-', '_'),
  'with dots': (name) => name.replaceAll('-', '.'),
  'with tildes': (name) => name.replaceAll('-', '~'),
}
/** Where proxies say what was asked for. */
const ASKED = ['X-Original-URI', 'X-Original-URL', 'X-Forwarded-Uri', 'X-Forwarded-Path']
const CERTIFICATE = ['SSL-Client-Cert', 'X-Forwarded-Tls-Client-Cert', 'Client-Cert']

/** What every example must do: the same decisions as Vouchgate's own, and nobody else says who calls. */
export function behindProxy(test: TestFn, { folder, probe, run }: ProxyExample): void {
  const declare = testWith(test, ...probe)
  const endings: (() => unknown)[] = []
  let started: Promise<Running> | undefined
  const running = () => (started ??= start({ teardown: (end) => endings.unshift(end) }))
  test.after.always(async () => {
    for (const end of endings) await end()
  })

  const start = async (t: Ending): Promise<Running> => {
    const { selfSignedClient } = await pki()
    const secret = { type: 'X509Thumbprint', value: selfSignedClient.x509.fingerprint256 }
    const settings = load(example(`${folder}/vouchgate.yaml`)) as Record<string, unknown>
    const sidecar = await startSidecar(t, {
      settings: { ...settings, routes: ROUTES },
      clients: [
        secretClient('batch', SECRET),
        { clientId: 'laptop', clientSecrets: [secret], allowedScopes: ['read'] },
      ],
    })
    return proxied(t, sidecar.port, await recordingUpstream(t))
  }

  const proxied = async (
    t: Ending,
    sidecarPort: number,
    upstream: RecordingUpstream,
  ): Promise<Running> => {
    const authorities = await pki()
    const port = await freePort()
    const upstreamPort = upstream.port
    await runProxy(t, run({ port, sidecarPort, upstreamPort, pki: authorities }))
    return {
      send(options) {
        // Caddy wants the name of the handshake there.
        const headers = { host: `localhost:${port}`, ...options.headers }
        return send(port, authorities.rootCa.pem, { ...options, headers })
      },
      arrived: (mark) => upstream.arrived.filter(({ url }) => url.endsWith(`?${mark}`)),
    }
  }

  declare('who may pass is told to the API, and the proof is not', async (t) => {
    const { send: ask, arrived } = await running()
    const body = 'x'.repeat(200_000)
    const headers = { authorization: AUTHORIZATION, 'x-other': 'mine' }
    const answer = await ask({ path: '/orders/a%20b?first', headers, body })
    t.is(answer.status, 200, answer.text)
    t.is(answer.text, 'upstream says hello')
    const [one] = arrived('first')
    t.is(one?.method, 'POST')
    t.is(one?.url, '/orders/a%20b?first')
    t.is(one?.body.toString(), body)
    t.like(one?.headers, {
      'x-client-id': 'batch',
      'x-client-scopes': 'read write',
      'x-client-auth-method': 'client_secret_basic',
      'x-other': 'mine',
    })
    t.regex(String(one?.headers['x-request-id']), /^[0-9a-f-]{36}$/)
    t.is(one?.headers.authorization, undefined)
  })

  for (const [method, path, proof, status] of [
    ['GET', '/orders/1', {}, 401],
    ['GET', '/orders/1', { authorization: basic('batch', 'wrong') }, 401],
    ['GET', '/admin/users', { authorization: AUTHORIZATION }, 403],
    ['DELETE', '/orders/1', { authorization: AUTHORIZATION }, 403],
  ] as const)
    declare(
      `${method} ${path} with ${Object.keys(proof).join()} is answered ${status}`,
      async (t) => {
        const { send: ask, arrived } = await running()
        const mark = `${method}-${status}-${Object.keys(proof).length}`
        const answer = await ask({ method, path: `${path}?${mark}`, headers: proof })
        t.is(answer.status, status)
        if (status === 401) t.regex(String(answer.headers['www-authenticate']), /Bearer realm=/)
        t.deepEqual(arrived(mark), [])
      },
    )

  declare('a public path is open, and names nobody', async (t) => {
    const { send: ask, arrived } = await running()
    const answer = await ask({ path: '/public/a?open', headers: { authorization: AUTHORIZATION } })
    t.is(answer.status, 200)
    const [one] = arrived('open')
    t.not(one, undefined)
    t.false(
      Object.entries(one?.headers ?? {}).some(
        ([name, value]) => name.startsWith('x-client') && value !== '',
      ),
    )
  })

  for (const [how, spell] of Object.entries(SPELLINGS))
    declare(`nobody else says who called, with names written ${how}`, async (t) => {
      const { send: ask, arrived } = await running()
      const spoofed = Object.fromEntries(NAMES.map((name) => [spell(name), 'spoofed']))
      for (const path of ['/orders/1', '/public/a']) {
        const mark = `${how.replaceAll(' ', '-')}${path.replaceAll('/', '-')}`
        const headers = { ...spoofed, authorization: AUTHORIZATION }
        const answer = await ask({ path: `${path}?${mark}`, headers })
        t.is(answer.status, 200)
        t.is(arrived(mark).length, 1)
        t.false(JSON.stringify(arrived(mark)).includes('spoofed'))
      }
    })

  declare('what was asked for is what the proxy was asked for', async (t) => {
    const { send: ask } = await running()
    for (const spell of Object.values(SPELLINGS)) {
      const said = Object.fromEntries(ASKED.map((name) => [spell(name), '/public/a']))
      const methods = { [spell('X-Original-Method')]: 'GET', [spell('X-Forwarded-Method')]: 'GET' }
      const answer = await ask({ path: '/orders/1', headers: said })
      t.is(answer.status, 401)
      const headers = { ...methods, authorization: AUTHORIZATION }
      t.is((await ask({ method: 'DELETE', path: '/orders/1', headers })).status, 403)
    }
  })

  for (const [index, named] of [...NAMES, ...ASKED, ...CERTIFICATE].entries())
    declare(`Connection takes nothing out on the way: ${named}`, async (t) => {
      const { send: ask, arrived } = await running()
      const mark = `connection-${index}`
      const several = ['Upgrade', named]
      for (const connection of [`close, ${named}`, named.toLowerCase(), several, several.join()]) {
        const headers = { authorization: AUTHORIZATION, connection }
        const answer = await ask({ path: `/orders/1?${mark}`, headers })
        if (answer.status === 200) t.is(arrived(mark).at(-1)?.headers['x-client-id'], 'batch')
        else t.true([400, 401, 403].includes(answer.status), `${answer.status}`)
      }
      const refused = await ask({
        path: '/admin/users',
        headers: { connection: `close, ${named}` },
      })
      t.is(refused.status, 401)
    })

  for (const path of [
    '/public/../admin/users',
    '/public/%2e%2e/admin/users',
    '/public/..%2fadmin/users',
    '/public//../admin/users',
    '/public/..;/admin/users',
    '//admin/users',
    '/public/%2e%2e%2fadmin/users',
  ])
    declare(`${path} is no way to what is not public`, async (t) => {
      const { send: ask, arrived } = await running()
      const mark = `path-${Buffer.from(path).toString('hex')}`
      const answer = await ask({ path: `${path}?${mark}` })
      t.true([400, 401, 403, 404].includes(answer.status), `${answer.status}`)
      t.deepEqual(arrived(mark), [])
    })

  declare('a certificate that the client shows to the proxy proves it', async (t) => {
    const { send: ask, arrived } = await running()
    const { cert, key } = (await pki()).selfSignedClient
    const answer = await ask({ path: '/orders/1?certificate', cert, key })
    t.is(answer.status, 200, answer.text)
    const [one] = arrived('certificate')
    t.is(one?.headers['x-client-id'], 'laptop')
    for (const name of CERTIFICATE) t.is(one?.headers[name.toLowerCase()], undefined)
  })

  declare('a certificate that it only tells of does not', async (t) => {
    const { send: ask } = await running()
    const { selfSignedClient, client } = await pki()
    const der = selfSignedClient.x509.raw.toString('base64')
    for (const value of [der, `:${der}:`, encodeURIComponent(selfSignedClient.pem)])
      for (const spell of Object.values(SPELLINGS)) {
        const headers = Object.fromEntries(CERTIFICATE.map((name) => [spell(name), value]))
        t.is((await ask({ path: '/orders/1', headers })).status, 401)
        const { cert, key } = client
        t.is((await ask({ path: '/orders/1', headers, cert, key })).status, 401)
      }
  })

  declare('while Vouchgate is away nobody passes', async (t) => {
    const upstream = await recordingUpstream(t)
    const { send: ask } = await proxied(t, await freePort(), upstream)
    for (const path of ['/orders/1', '/public/a']) {
      const answer = await ask({ path, headers: { authorization: AUTHORIZATION } })
      t.true(answer.status >= 500)
    }
    t.deepEqual(upstream.arrived, [])
  })
}
