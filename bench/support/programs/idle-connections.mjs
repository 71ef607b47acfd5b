// Opens kept connections, one request on each, and keeps them: argv is url, folder, token or `-`.
// Each line of the input is how many there are to be; answers with it once they are. Ends with its input.
import { createInterface } from 'node:readline'
import { connect } from 'node:tls'

import { clientTls } from './client-tls.mjs'

const [url, folder, token] = process.argv.slice(2)
const { hostname, port, pathname } = new URL(url)
const tls = clientTls(folder, '-')
const authorization = token === '-' ? '' : `Authorization: Bearer ${token}\r\n`
const ask = `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\n${authorization}\r\n`
const sockets = []

const open = () =>
  new Promise((resolve, reject) => {
    const socket = connect({ ...tls, host: '127.0.0.1', servername: hostname, port })
    socket.setEncoding('latin1')
    socket.on('secureConnect', () => socket.write(ask))
    socket.once('data', (head) => {
      if (head.startsWith('HTTP/1.1 200 ')) resolve()
      else reject(new Error(head))
    })
    socket.on('error', reject)
    socket.on('close', () => {
      process.stderr.write('a connection was closed\n')
      process.exit(1)
    })
    sockets.push(socket)
  })

for await (const line of createInterface({ input: process.stdin })) {
  while (sockets.length < Number(line)) {
    const many = Math.min(50, Number(line) - sockets.length)
    await Promise.all(Array.from({ length: many }, open))
  }
  process.stdout.write(`${line}\n`)
}
process.exit(0)
