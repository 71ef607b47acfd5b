import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

import { readMessages } from '../gateway/support/read-messages.ts'
import type { Message } from '../gateway/support/read-messages.ts'
import type { Ending } from './recording-upstream.ts'

/** An API that reads bytes as strictly as anyone could, and remembers what it made of them. */
export interface StrictUpstream {
  readonly port: number
  /** Every whole request, in the order of arrival. */
  readonly arrived: readonly Message[]
  /** What was no request, in words. Nothing of a connection counts after such a thing. */
  readonly faults: readonly string[]
  /** The bytes that came, of all connections. */
  readonly bytes: number
  /** The whole requests whose target or body holds this text. */
  of(text: string): readonly Message[]
}

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK'

/** `answer` gives the bytes that a request is answered with; without them it is left waiting. */
export async function strictUpstream(
  t: Ending,
  answer: (request: Message) => string | undefined = () => OK,
): Promise<StrictUpstream> {
  const arrived: Message[] = []
  const faults: string[] = []
  const sockets = new Set<Socket>()
  let bytes = 0
  const server = createServer((socket) => {
    let rest = ''
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => sockets.delete(socket))
    socket.on('data', (chunk) => {
      bytes += chunk.length
      rest += chunk.toString('latin1')
      try {
        const read = readMessages(rest)
        rest = read.rest
        for (const message of read.messages) {
          arrived.push(message)
          const text = answer(message)
          if (text !== undefined) socket.write(text, 'latin1')
        }
      } catch (error) {
        faults.push(`${(error as Error).message} in ${JSON.stringify(rest.slice(0, 300))}`)
        socket.destroy()
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
    arrived,
    faults,
    get bytes() {
      return bytes
    },
    of: (text) => arrived.filter(({ target, body }) => `${target} ${body}`.includes(text)),
  }
}
