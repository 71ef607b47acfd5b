import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

import type { ExecutionContext } from 'ava'

import { readMessages } from './read-messages.ts'
import type { Message } from './read-messages.ts'

export interface RawUpstream {
  readonly port: number
  /** All bytes of each connection, in latin1. */
  readonly connections: readonly { readonly bytes: string }[]
  /**
   * The requests of all connections, read as strictly as anyone could. Throws on bytes that are no
   * request.
   */
  requests(): Message[]
  /** Resolves when as many connections as were opened have been closed. */
  allClosed(): Promise<void>
}

/** Called when another whole request has arrived on a connection; answers it. */
export type RawAnswer = (socket: Socket, request: Message) => void

const OK: RawAnswer = (socket) => {
  socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK')
}

/** An upstream that sees bytes, not what a lenient server makes of them. */
export async function rawUpstream(
  t: ExecutionContext,
  answer: RawAnswer = OK,
): Promise<RawUpstream> {
  const connections: { bytes: string }[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const connection = { bytes: '' }
    connections.push(connection)
    sockets.add(socket)
    let answered = 0
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      server.emit('gone')
    })
    socket.on('data', (chunk) => {
      connection.bytes += chunk.toString('latin1')
      const { messages } = readMessages(connection.bytes)
      for (const message of messages.slice(answered)) {
        answered++
        answer(socket, message)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    requests: () => connections.flatMap(({ bytes }) => readMessages(bytes).messages),
    async allClosed() {
      while (sockets.size > 0) await once(server, 'gone')
    },
  }
}
