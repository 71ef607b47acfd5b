import type { Server } from 'node:https'
import type { Socket } from 'node:net'

/** The connections of a TLS server whose handshake has not ended: HTTP knows nothing of them yet. */
export interface OpenHandshakes {
  destroyAll(): void
}

/** Keeps track of them; nothing says which socket a finished handshake came on but the other side's address. */
export function openHandshakes(server: Server): OpenHandshakes {
  const open = new Map<string, Socket>()
  const keyOf = ({ remoteAddress, remotePort }: Socket) => `${remoteAddress} ${remotePort}`
  server.on('connection', (socket: Socket) => {
    const key = keyOf(socket)
    open.set(key, socket)
    socket.once('close', () => open.get(key) === socket && open.delete(key))
  })
  server.on('secureConnection', (socket) => open.delete(keyOf(socket)))
  return {
    destroyAll() {
      for (const socket of open.values()) socket.destroy()
    },
  }
}
