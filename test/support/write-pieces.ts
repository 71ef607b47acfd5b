import type { Socket } from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'

/** Turns of the event loop between two pieces, in which the other side can read what it has. */
const TURNS = 5

/** Writes pieces in latin1, each in a packet of its own, and ends the connection. */
export async function writePieces(socket: Socket, pieces: readonly string[]): Promise<void> {
  for (const piece of pieces) {
    socket.write(piece, 'latin1')
    for (let i = 0; i < TURNS; i++) await turn()
  }
  socket.end()
}
