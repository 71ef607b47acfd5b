// The API behind all rows: argv is the port. `/bytes/N` answers N bytes, everything else 13; it echoes on WebSockets.
import { createServer } from 'node:http'

import { WebSocketServer } from 'ws'

const small = Buffer.from('hello, world\n')
const bodies = new Map()

function bodyOf(url) {
  if (!url.startsWith('/bytes/')) return small
  const size = Number(url.slice('/bytes/'.length))
  if (!bodies.has(size)) bodies.set(size, Buffer.alloc(size, 'x'))
  return bodies.get(size)
}

const server = createServer((request, response) => {
  const body = bodyOf(request.url)
  const headers = { 'content-type': 'text/plain', 'content-length': String(body.length) }
  const answer = () => response.writeHead(200, headers).end(body)
  if (request.method === 'GET') answer()
  else request.resume().on('end', answer)
})
const sockets = new WebSocketServer({ server, perMessageDeflate: false })
sockets.on('connection', (socket) => {
  socket.on('message', (message, binary) => socket.send(message, { binary }))
  socket.on('error', () => undefined)
})
server.keepAliveTimeout = 0
server.listen(Number(process.argv[2]), '127.0.0.1')
