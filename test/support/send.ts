import { request as httpsRequest } from 'node:https'
import type { Agent } from 'node:https'
import type { IncomingHttpHeaders } from 'node:http'

/** A request to the sidecar, from a client that has nothing but what is said here. */
export interface SendOptions {
  readonly method?: string
  readonly path?: string
  /** A value may be a list: the header is sent that often. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string | Buffer
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>
  /** Sent without a length. */
  readonly chunked?: boolean
  /** PEM: the client certificate and its key. */
  readonly cert?: string | undefined
  readonly key?: string | undefined
  /** The address that it comes from: every one of 127.0.0.0/8 is ours. */
  readonly from?: string
  /** For several requests on one connection. */
  readonly agent?: Agent
}

export interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  /** The body as JSON, of the form that the test expects; fails the test when it is none. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
  json<T = Record<string, unknown>>(): T
}

/** Sends one request, on a connection of its own unless an agent says otherwise. */
export function send(port: number, ca: string, options: SendOptions = {}): Promise<Received> {
  const { promise, resolve, reject } = Promise.withResolvers<Received>()
  const body = options.form ? new URLSearchParams(options.form).toString() : options.body
  const request = httpsRequest(
    {
      host: '127.0.0.1',
      port,
      servername: 'localhost',
      ca,
      cert: options.cert,
      key: options.key,
      agent: options.agent ?? false,
      ...(options.from !== undefined && { localAddress: options.from }),
      method: options.method ?? (body === undefined ? 'GET' : 'POST'),
      path: options.path ?? '/',
      headers: {
        ...(options.form && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...(body !== undefined && framing(body, options.chunked)),
        ...(options.headers as Record<string, string>),
      },
    },
    (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk: string) => (text += chunk))
      response.on('error', reject)
      response.on('end', () => {
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
          json: <T>() => JSON.parse(text) as T,
        })
      })
    },
  )
  request.on('error', reject)
  request.end(body)
  return promise
}

function framing(body: string | Buffer, chunked = false): Record<string, string> {
  if (chunked) return { 'transfer-encoding': 'chunked' }
  return { 'content-length': String(Buffer.byteLength(body)) }
}

/** A Basic header, form-encoded as RFC 6749 §2.3.1 says. */
export function basic(id: string, secret: string): string {
  const encode = (text: string) => new URLSearchParams([['', text]]).toString().slice(1)
  return rawBasic(encode(id), encode(secret))
}

/** A Basic header, as it stands (RFC 7617). */
export function rawBasic(id: string, secret: string): string {
  return `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
}
