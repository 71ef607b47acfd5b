import { ServerResponse } from 'node:http'
import type { IncomingMessage } from 'node:http'

/**
 * The response to a request that asked for an upgrade. Node has let go of the connection by then,
 * so it ends with the answer; what the client has sent behind the request is never read.
 */
export function lastResponse(request: IncomingMessage): ServerResponse {
  const { socket } = request
  const response = new ServerResponse(request)
  response.shouldKeepAlive = false
  response.assignSocket(socket)
  response.once('finish', () => {
    socket.destroySoon()
  })
  return response
}

/** There is no answer of ours: the connection is another protocol's from here on. */
export function letGo(response: ServerResponse, { socket }: IncomingMessage): void {
  response.detachSocket(socket)
  // for whoever waits for the end of the request
  response.destroy()
}
