import { connect } from 'node:http2'
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'
import type { SecureClientSessionOptions } from 'node:http2'

import type { Ending } from './recording-upstream.ts'
import type { Received, SendOptions } from './send.ts'
import type { Running } from './start-sidecar.ts'

/** Opens an HTTP/2 connection to a sidecar; it ends with the test. */
export function openHttp2(
  t: Ending,
  { port, pki }: Pick<Running, 'port' | 'pki'>,
  options: SecureClientSessionOptions = {},
): ClientHttp2Session {
  const origin = `https://127.0.0.1:${port}`
  const session = connect(origin, { ca: pki.rootCa.pem, servername: 'localhost', ...options })
  t.teardown(() => session.destroy())
  session.setMaxListeners(0)
  return session
}

/** Sends one request over HTTP/2, on a connection of its own. */
export async function sendHttp2(t: Ending, to: Running, options: SendOptions): Promise<Received> {
  const { cert, key, from } = options
  const session = openHttp2(t, to, {
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
    ...(from !== undefined && { localAddress: from }),
  })
  try {
    return await sendOn(session, options)
  } finally {
    session.close()
  }
}

/** Sends one request over an HTTP/2 connection. Its `authority` is the address, as it is in `send`. */
export function sendOn(session: ClientHttp2Session, options: SendOptions): Promise<Received> {
  const { promise, resolve, reject } = Promise.withResolvers<Received>()
  const { form, headers, path = '/' } = options
  const body = form ? new URLSearchParams(form).toString() : options.body
  const stream = session.request(
    {
      ':method': options.method ?? (body === undefined ? 'GET' : 'POST'),
      ':path': path,
      ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
      ...(headers as OutgoingHttpHeaders),
    },
    { endStream: body === undefined },
  )
  let received: IncomingHttpHeaders = {}
  let text = ''
  session.once('error', reject)
  stream.setEncoding('utf8')
  stream.on('response', (answer) => (received = answer))
  stream.on('data', (chunk: string) => (text += chunk))
  stream.on('error', reject)
  stream.on('close', () => {
    const { ':status': status, ...rest } = received as Record<string, unknown>
    resolve({
      status: Number(status ?? 0),
      headers: rest as Received['headers'],
      text,
      // oxlint-disable-next-line typescript/no-unnecessary-type-parameters
      json: <T>() => JSON.parse(text) as T,
    })
  })
  if (body !== undefined) stream.end(body)
  return promise
}
