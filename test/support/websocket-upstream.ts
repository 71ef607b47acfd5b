import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo, ListenOptions, Socket } from 'node:net'

import { WebSocketServer } from 'ws'
import type { RawData, WebSocket } from 'ws'

import type { Ending } from './recording-upstream.ts'

/** An API that speaks WebSocket and says everything back. */
export interface WebSocketUpstream {
  readonly port: number
  /** The requests that it accepted, and those that were no upgrades. */
  readonly arrived: readonly IncomingMessage[]
  /** The connections that are open now. */
  readonly connections: ReadonlySet<Socket>
  /** Why each WebSocket ended, by the path that it was asked for. */
  readonly closes: readonly { readonly url: string; readonly code: number }[]
}

/** What an API does with a message; without one it says it back. */
export type OnMessage = (socket: WebSocket, data: RawData, isBinary: boolean) => void

const ECHO: OnMessage = (socket, data, isBinary) => {
  socket.send(data, { binary: isBinary })
}

export async function webSocketUpstream(
  t: Ending,
  onMessage: OnMessage = ECHO,
  listen: ListenOptions = { port: 0, host: '127.0.0.1' },
): Promise<WebSocketUpstream> {
  const arrived: IncomingMessage[] = []
  const closes: { url: string; code: number }[] = []
  const connections = new Set<Socket>()
  const server = createServer((request, response) => {
    arrived.push(request)
    response.end('plain HTTP')
  })
  server.on('connection', (socket: Socket) => {
    connections.add(socket)
    socket.on('close', () => connections.delete(socket))
  })
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => (offered.has('chat.v2') ? 'chat.v2' : false),
  })
  sockets.on('connection', (socket, request) => {
    arrived.push(request)
    socket.on('error', () => undefined)
    socket.on('message', (data, isBinary) => onMessage(socket, data, isBinary))
    socket.on('close', (code) => closes.push({ url: request.url ?? '', code }))
  })
  server.listen(listen)
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  const address = server.address() as AddressInfo | string
  const port = typeof address === 'string' ? 0 : address.port
  return { port, arrived, connections, closes }
}
