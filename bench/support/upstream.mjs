// The API behind the peers: argv is the port.
import { createServer } from 'node:http'

const body = 'hello, world\n'
const headers = { 'content-type': 'text/plain', 'content-length': String(body.length) }
createServer((_request, response) => {
  response.writeHead(200, headers).end(body)
}).listen(Number(process.argv[2]), '127.0.0.1')
