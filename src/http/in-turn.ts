import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The requests of a connection that wait for their turn. */
interface Line {
  waiting: number
  isStopping: boolean
}

const lines = new WeakMap<Socket, Line>()

/**
 * Handles requests that a client sends without waiting for the answer before (pipelining) one after the other, for what
 * changes something must not be overtaken (RFC 9112 §9.3.2). Nothing more is read meanwhile, so that they do not pile
 * up.
 */
export function inTurn<Response extends ServerResponse>(
  request: IncomingMessage,
  response: Response,
  handle: (request: IncomingMessage, response: Response) => void,
): void {
  // Node gives an answer the socket when those before are through.
  if (response.socket !== null) {
    handle(request, response)
    return
  }
  const { socket } = request
  const line = lines.get(socket) ?? { waiting: 0, isStopping: false }
  lines.set(socket, line)
  line.waiting++
  stopReading(socket, line)
  response.once('socket', () => {
    if (--line.waiting === 0) socket.resume()
    else stopReading(socket, line)
    handle(request, response)
  })
}

/** Later: node goes on to read after each request, on the next tick. */
function stopReading(socket: Socket, line: Line): void {
  if (line.isStopping) return
  line.isStopping = true
  setImmediate(() => {
    line.isStopping = false
    if (line.waiting > 0) socket.pause()
  })
}
