import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * How much of a body that nobody wants is still taken in, so that the client can read the answer.
 */
const DRAINED = { bytes: 65_536, milliseconds: 1_000 }

/** Whether more of the request's body is to come than is worth waiting for. */
export function hasUnreadBody(request: IncomingMessage): boolean {
  if (request.complete) return false
  if (request.headers['transfer-encoding'] !== undefined) return true
  return Number(request.headers['content-length'] ?? '0') > DRAINED.bytes
}

/**
 * Ends a response, all of which but the end is written, to a request whose body was not read to its
 * end: a little more is taken in and thrown away, then the connection is closed. Closing at once
 * could reset it and cost the client the answer; reading on would let it send for ever; keeping it
 * could make a body pass for a request.
 */
export function endUnread(request: IncomingMessage, response: ServerResponse): void {
  let left = DRAINED.bytes
  const finish = (): void => {
    clearTimeout(timer)
    request.off('data', count).off('end', finish).off('close', finish)
    response.end(() => {
      if (!request.complete) request.socket.destroySoon()
    })
  }
  const count = (chunk: Buffer): void => {
    left -= chunk.length
    if (left < 0) finish()
  }
  const timer = setTimeout(finish, DRAINED.milliseconds)
  request.on('data', count).once('end', finish).once('close', finish).resume()
}
