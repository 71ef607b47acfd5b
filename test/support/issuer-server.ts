import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'

import type { Ending } from './recording-upstream.ts'

/** A request to a server that stands for another issuer. */
export interface Asked {
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly form: URLSearchParams
  /** SHA-256 fingerprint of the client certificate that was shown. */
  readonly certificate: string | undefined
}

export type Reply = (response: ServerResponse, asked: Asked) => unknown

export interface IssuerServer {
  readonly url: string
  readonly asked: readonly Asked[]
  /** What it answers from now on; the default is 404. */
  reply: Reply
}

export interface TlsOptions {
  readonly cert: string
  readonly key: string
  /** Asks for a client certificate from these. */
  readonly ca?: string
}

/** A server that answers as it is told, also wrongly. Plain http without TLS options. */
export async function issuerServer(t: Ending, tls?: TlsOptions): Promise<IssuerServer> {
  const asked: Asked[] = []
  const served: { -readonly [K in keyof IssuerServer]: IssuerServer[K] } = {
    url: '',
    asked,
    reply: (response) => response.writeHead(404).end(),
  }
  const listener = async (request: IncomingMessage, response: ServerResponse) => {
    let body = ''
    for await (const chunk of request) body += String(chunk)
    const shown = tls && (request.socket as TLSSocket).getPeerCertificate()
    const one: Asked = {
      path: request.url ?? '',
      headers: request.headers,
      form: new URLSearchParams(body),
      certificate: shown?.fingerprint256,
    }
    asked.push(one)
    response.on('error', () => undefined)
    served.reply(response, one)
  }
  const server = tls
    ? createTlsServer({ ...tls, requestCert: tls.ca !== undefined }, (q, r) => void listener(q, r))
    : createServer((q, r) => void listener(q, r))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  served.url = `${tls ? 'https' : 'http'}://localhost:${port}`
  return served
}

/** Answers with JSON. */
export function json(value: unknown, status = 200): Reply {
  return text(JSON.stringify(value), 'application/json', status)
}

export function text(body: string, type = 'application/json', status = 200): Reply {
  return (response) => response.writeHead(status, { 'content-type': type }).end(body)
}

/** Answers each path in its own way. */
export function byPath(replies: Readonly<Record<string, Reply>>): Reply {
  return (response, asked) => {
    const reply = replies[asked.path] ?? text('there is nothing here', 'text/plain', 404)
    return reply(response, asked)
  }
}
