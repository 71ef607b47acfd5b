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
  // Node tells it to responses of its own only; without it a long answer would stop in the middle.
  const drain = () => response.emit('drain')
  socket.on('drain', drain)
  response.once('close', () => socket.off('drain', drain))
  return response
}

/** There is no answer of ours: the connection is another protocol's from here on. */
export function letGo(response: ServerResponse, { socket }: IncomingMessage): void {
  response.detachSocket(socket)
  // For whoever waits for the end of the request. Node 24 does not say so of a response without a connection.
  let isClosed = false
  response.once('close', () => {
    isClosed = true
  })
  response.destroy()
  setImmediate(() => {
    if (!isClosed) response.emit('close')
  })
}
