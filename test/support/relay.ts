import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

import type { Ending } from './recording-upstream.ts'

/** A connection to a port that can be cut and mended. */
export interface Relay {
  readonly port: number
  cut(): Promise<void>
  mend(): Promise<void>
}

export async function relay(t: Ending, target: number): Promise<Relay> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const other = connect(target, '127.0.0.1')
    for (const one of [socket, other]) {
      sockets.add(one)
      one.on('error', () => undefined)
      one.on('close', () => {
        for (const each of [socket, other]) {
          sockets.delete(each)
          each.destroy()
        }
      })
    }
    socket.pipe(other).pipe(socket)
  })
  const listen = async (port: number) => {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }
  const port = await listen(0)
  const cut = async () => {
    if (!server.listening) return
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  }
  t.teardown(cut)
  return { port, cut, mend: async () => void (await listen(port)) }
}
