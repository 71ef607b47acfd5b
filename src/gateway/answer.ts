import type { ClientRequest, ClientResponse } from '../http/client-message.ts'
import { finishConnection } from '../http/finished-connections.ts'
import { endUnread, hasUnreadBody } from './end-unread.ts'

/** After these, what follows on the connection need not be what the client thinks it is. */
const MALFORMED = new Set([400, 431, 501])

/**
 * Gives an answer of our own, whole, instead of forwarding. The connection ends after it when the
 * request was malformed, and when its body is still to come and not small. `headers`: name and
 * value in turn; the length is added.
 */
export function answer(
  request: ClientRequest,
  response: ClientResponse,
  status: number,
  headers: readonly string[],
  body: string,
): void {
  const unread = hasUnreadBody(request)
  if (unread || MALFORMED.has(status)) response.shouldKeepAlive = false
  if (MALFORMED.has(status)) finishConnection(request)
  response.trailersMayFollow = false
  response.writeHead(status, [...headers, 'content-length', String(Buffer.byteLength(body))])
  if (!unread) {
    response.end(body)
    return
  }
  response.write(body)
  endUnread(request, response)
}
