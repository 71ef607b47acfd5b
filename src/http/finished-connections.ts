import type { Socket } from 'node:net'

import { connectionOf, isHttp2 } from './client-message.ts'
import type { ClientRequest } from './client-message.ts'

const finished = new WeakSet<Socket>()

/**
 * Marks the connection that a malformed request came on. What follows on it need not be what the client thinks it is,
 * and Node may have read it already: it must not be taken for a request. Over HTTP/2 nothing is marked: a frame says
 * whose it is and where it ends, and others may have requests of their own under way on the same connection.
 */
export function finishConnection(request: ClientRequest): void {
  if (!isHttp2(request)) finished.add(connectionOf(request))
}

/** Whether nothing more is to be taken from the connection of a request; it ends with the answer under way. */
export function isFinished(request: ClientRequest): boolean {
  return finished.has(connectionOf(request))
}
