import type { Socket } from 'node:net'

import { sourceOf } from './source-of.ts'

/** How many connections each source has. */
export interface ConnectionGate {
  /** Counts a connection until it closes. @returns false when its source has as many as it may */
  admit(socket: Socket): boolean
}

/**
 * Keeps one source from taking all connections. Everyone behind one proxy or one NAT is one source.
 * @param perSource at one time
 */
export function connectionGate(perSource: number): ConnectionGate {
  const open = new Map<string, number>()
  return {
    admit(socket) {
      const { remoteAddress } = socket
      // Gone before we came to it.
      if (remoteAddress === undefined) return false
      const source = sourceOf(remoteAddress)
      const count = open.get(source) ?? 0
      if (count >= perSource) return false
      open.set(source, count + 1)
      socket.once('close', () => {
        const left = (open.get(source) ?? 1) - 1
        if (left > 0) open.set(source, left)
        else open.delete(source)
      })
      return true
    },
  }
}
