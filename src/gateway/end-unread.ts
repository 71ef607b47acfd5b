import { constants } from 'node:http2'

import { connectionOf, isHttp2 } from '../http/client-message.ts'
import type { ClientRequest, ClientResponse } from '../http/client-message.ts'
import { isWaiting } from '../http/want-body.ts'

/**
 * How much of a body that nobody wants is still taken in, so that the client can read the answer.
 */
const DRAINED = { bytes: 65_536, milliseconds: 1_000 }

/** Whether more of the request's body is to come than is worth waiting for. */
export function hasUnreadBody(request: ClientRequest): boolean {
  if (request.complete) return false
  if (request.headers['transfer-encoding'] !== undefined || isWaiting(request)) return true
  return Number(request.headers['content-length'] ?? '0') > DRAINED.bytes
}

/**
 * Ends a response, all of which but the end is written, to a request whose body was not read to its
 * end. Over HTTP/1.1 a little more is taken in and thrown away, then the connection is closed. Closing
 * at once could reset it and cost the client the answer; reading on would let it send for ever;
 * keeping it could make a body pass for a request. Over HTTP/2 the client is told to send no more
 * (RFC 9113 §8.1).
 */
export function endUnread(request: ClientRequest, response: ClientResponse): void {
  if (isHttp2(request)) {
    const { stream } = request
    response.end(undefined, () => {
      stream.close(constants.NGHTTP2_NO_ERROR)
    })
    return
  }
  let left = DRAINED.bytes
  const finish = (): void => {
    clearTimeout(timer)
    request.off('data', count).off('end', finish).off('close', finish)
    response.end(undefined, () => {
      if (!request.complete) connectionOf(request).destroySoon()
    })
  }
  const count = (chunk: Buffer): void => {
    left -= chunk.length
    if (left < 0) finish()
  }
  const timer = setTimeout(finish, DRAINED.milliseconds)
  request.on('data', count).once('end', finish).once('close', finish).resume()
}
