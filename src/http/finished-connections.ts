import type { Socket } from 'node:net'

const finished = new WeakSet<Socket>()

/**
 * Marks a connection on which a malformed request came. What follows on it need not be what the
 * client thinks it is, and Node may have read it already: it must not be taken for a request.
 */
export function finishConnection(socket: Socket): void {
  finished.add(socket)
}

/** Whether nothing more is to be taken from a connection; it ends with the answer under way. */
export function isFinished(socket: Socket): boolean {
  return finished.has(socket)
}
