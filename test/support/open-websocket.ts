import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'

import { WebSocket } from 'ws'
import type { ClientOptions } from 'ws'

import { eventually } from './eventually.ts'
import type { Ending } from './recording-upstream.ts'
import type { LogLine, Running } from './start-sidecar.ts'

export interface OpenOptions extends Pick<ClientOptions, 'headers' | 'cert' | 'key'> {
  readonly path?: string
  readonly protocols?: readonly string[]
  readonly deflate?: boolean
}

/** A WebSocket through a sidecar, and the answer that opened it. */
export interface OpenWebSocket {
  readonly socket: WebSocket
  readonly answer: IncomingMessage
  /** Says something and waits for what comes back. */
  ask(message: string | Buffer): Promise<Buffer>
  ended(): Promise<Ended>
}

/** The code and reason with which a WebSocket ends. */
export interface Ended {
  readonly code: number
  readonly reason: string
}

/** What came instead of a WebSocket. */
export interface NotOpened {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly text: string
  /** The `request.refused` line, or that of the upstream's failure. */
  readonly line: LogLine | undefined
}

/** Opens a WebSocket. @throws when it does not open */
export async function openWebSocket(
  t: Ending,
  running: Running,
  options: OpenOptions = {},
): Promise<OpenWebSocket> {
  const { socket, answered } = begin(t, running, options)
  const { promise: ending, resolve: end } = Promise.withResolvers<Ended>()
  socket.once('close', (code, reason) => end({ code, reason: reason.toString() }))
  const answer = await answered
  if (answer.statusCode !== 101) throw new Error(`answered ${answer.statusCode}`)
  if (socket.readyState !== WebSocket.OPEN) await once(socket, 'open')
  return {
    socket,
    answer,
    async ask(message) {
      const reply = once(socket, 'message') as Promise<[Buffer]>
      socket.send(message)
      return (await reply)[0]
    },
    ended: () => ending,
  }
}

/** Asks for a WebSocket that is not to be had. @throws when it opens all the same */
export async function refusedWebSocket(
  t: Ending,
  running: Running,
  options: OpenOptions = {},
): Promise<NotOpened> {
  const answer = await begin(t, running, options).answered
  const { statusCode: status = 0, headers } = answer
  if (status === 101) throw new Error('the WebSocket has opened')
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  const isLine = ({ event, requestId }: LogLine) =>
    (event === 'request.refused' || event === 'upstream.failed') &&
    requestId === headers['x-request-id']
  const line = status < 400 ? undefined : await eventually(() => running.log.find(isLine))
  return { status, headers, text: Buffer.concat(chunks).toString(), line }
}

function begin(t: Ending, { port, pki }: Running, options: OpenOptions) {
  const { path = '/', protocols = [], deflate = false, ...more } = options
  const socket = new WebSocket(`wss://127.0.0.1:${port}${path}`, [...protocols], {
    ca: pki.rootCa.pem,
    perMessageDeflate: deflate && { threshold: 0 },
    ...more,
  })
  const { promise: answered, resolve, reject } = Promise.withResolvers<IncomingMessage>()
  socket.once('upgrade', resolve)
  socket.once('unexpected-response', (_request, response) => resolve(response))
  socket.once('error', reject)
  socket.on('error', () => undefined)
  t.teardown(() => socket.terminate())
  return { socket, answered }
}
