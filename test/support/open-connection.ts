import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'

import type { Ending } from './recording-upstream.ts'
import type { Received, SendOptions } from './send.ts'

/** One TLS connection that stays open between requests. */
export interface OpenConnection {
  /** The session was resumed. */
  readonly resumed: boolean
  send(options?: SendOptions): Promise<Received>
  /** What another connection can offer as `session`; there is one after the first answer. */
  session(): Buffer
  close(): void
}

/** Opens a connection. @throws when the handshake fails */
export async function openConnection(
  t: Ending,
  port: number,
  options: ConnectionOptions,
): Promise<OpenConnection> {
  const sessions: Buffer[] = []
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ...options })
  socket.on('session', (session: Buffer) => sessions.push(session))
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  agent.createConnection = () => socket
  return {
    resumed: socket.isSessionReused(),
    close: () => socket.destroy(),
    session() {
      const session = sessions.at(-1) ?? socket.getSession()
      if (!session) throw new Error('no session yet')
      return session
    },
    send({ method, path = '/', headers, form, body } = {}) {
      const { promise, resolve, reject } = Promise.withResolvers<Received>()
      const content = form ? new URLSearchParams(form).toString() : body
      const outgoing = httpRequest(
        {
          agent,
          host: 'localhost',
          method: method ?? (content === undefined ? 'GET' : 'POST'),
          path,
          headers: {
            ...(form && { 'content-type': 'application/x-www-form-urlencoded' }),
            ...(content !== undefined && { 'content-length': Buffer.byteLength(content) }),
            ...(headers as Record<string, string>),
          },
        },
        (response) => {
          let text = ''
          response.setEncoding('utf8')
          response.on('data', (chunk: string) => (text += chunk))
          response.on('error', reject)
          response.on('end', () => {
            const { statusCode = 0, headers: received } = response
            resolve({ status: statusCode, headers: received, text, json: () => JSON.parse(text) })
          })
        },
      )
      outgoing.on('error', reject)
      outgoing.end(content)
      return promise
    },
  }
}
