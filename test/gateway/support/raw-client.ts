import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'

import type { ExecutionContext } from 'ava'

import { readMessages } from './read-messages.ts'
import type { Message } from './read-messages.ts'

export interface RawClient {
  readonly socket: Socket
  /** Everything received, in latin1. */
  received(): string
  /** Resolves when the received bytes fit; rejects when the connection closes before. */
  until(fits: (received: string) => boolean): Promise<string>
  /** Resolves when the other side has closed the connection. */
  closed(): Promise<void>
}

/** A client that sends exactly these bytes. */
export async function rawClient(
  t: ExecutionContext,
  port: number,
  bytes: string | Buffer = '',
): Promise<RawClient> {
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  let received = ''
  socket.on('error', () => undefined)
  socket.on('data', (chunk) => {
    received += chunk.toString('latin1')
    socket.emit('received')
  })
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      socket.emit('received')
      resolve()
    })
  })
  await once(socket, 'connect')
  if (bytes.length > 0) socket.write(bytes, 'latin1')
  return {
    socket,
    received: () => received,
    async until(fits) {
      while (!fits(received)) {
        if (socket.closed) throw new Error(`closed after ${JSON.stringify(received.slice(-200))}`)
        await once(socket, 'received')
      }
      return received
    },
    closed: () => closed,
  }
}

/** Sends one request on a connection of its own and reads the one final answer to it. */
export async function exchange(
  t: ExecutionContext,
  port: number,
  bytes: string | Buffer,
): Promise<Message> {
  const client = await rawClient(t, port, bytes)
  const methods = [bytes.toString('latin1').split(' ')[0] ?? '']
  const finals = (received: string): Message[] =>
    readMessages(received, methods).messages.filter(({ status }) => status >= 200)
  const [message] = finals(await client.until((received) => finals(received).length > 0))
  client.socket.destroy()
  if (message === undefined) throw new Error('no answer')
  return message
}
