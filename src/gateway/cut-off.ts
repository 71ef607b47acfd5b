import { connectionOf } from '../http/client-message.ts'
import type { ClientRequest, ClientResponse } from '../http/client-message.ts'

/** Makes sure that what was sent of an answer cannot be taken for the whole. */
export function cutOff(request: ClientRequest, response: ClientResponse): void {
  const connection = connectionOf(request)
  // to HTTP/1.0 a closed connection is the end of the message; only a reset is not
  if (request.httpVersion === '1.0' && !('encrypted' in connection)) connection.resetAndDestroy()
  response.destroy()
}
