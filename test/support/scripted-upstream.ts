import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

import type { Ending } from './recording-upstream.ts'

/** One connection as it came to a scripted API. */
export interface ScriptedConnection {
  readonly socket: Socket
  /** All bytes of it so far, in latin1. */
  readonly text: string
  /** The head of the first request. */
  readonly head: string
  /** What came behind that head. */
  readonly rest: string
  /** The value of a header line of that head; undefined: none, or several. */
  header(name: string): string | undefined
}

/** An API that does with its connections what a test says. */
export interface ScriptedUpstream {
  readonly port: number
  readonly connections: readonly ScriptedConnection[]
  /** Those whose request line has this in it. */
  of(text: string): readonly ScriptedConnection[]
}

/** @param script is told of each connection once, when the head of its first request is there */
export async function scriptedUpstream(
  t: Ending,
  script: (connection: ScriptedConnection) => void,
): Promise<ScriptedUpstream> {
  const connections: ScriptedConnection[] = []
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    let text = ''
    const connection: ScriptedConnection = {
      socket,
      get text() {
        return text
      },
      get head() {
        return text.split('\r\n\r\n', 1)[0] ?? ''
      },
      get rest() {
        return text.slice(connection.head.length + 4)
      },
      header(name) {
        const line = new RegExp(`^${name}: *(.*)$`, 'gim')
        const found = [...connection.head.matchAll(line)]
        return found.length === 1 ? found[0]?.[1]?.trim() : undefined
      },
    }
    connections.push(connection)
    let isTold = false
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (isTold || !text.includes('\r\n\r\n')) return
      isTold = true
      script(connection)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const { socket } of connections) socket.destroy()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    connections,
    of: (part) => connections.filter(({ head }) => head.split('\r\n', 1)[0]?.includes(part)),
  }
}
