import type { Socket } from 'node:net'

/** How many connections each remote address has. */
export interface ConnectionGate {
  /** Counts a connection until it closes. @returns false when its address has as many as it may */
  admit(socket: Socket): boolean
}

/**
 * Keeps one address from taking all connections. Everyone behind one proxy or one NAT is one source.
 * @param perSource at one time
 */
export function connectionGate(perSource: number): ConnectionGate {
  const open = new Map<string, number>()
  return {
    admit(socket) {
      const { remoteAddress } = socket
      // Gone before we came to it.
      if (remoteAddress === undefined) return false
      const count = open.get(remoteAddress) ?? 0
      if (count >= perSource) return false
      open.set(remoteAddress, count + 1)
      socket.once('close', () => {
        const left = (open.get(remoteAddress) ?? 1) - 1
        if (left > 0) open.set(remoteAddress, left)
        else open.delete(remoteAddress)
      })
      return true
    },
  }
}
