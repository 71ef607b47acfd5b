// GET on 32 kept connections with a client certificate, which wrk and h2load do not have: argv is url, folder, certificate, seconds.
// Prints how many were answered 200 with the small body.
import { connect } from 'node:tls'

import { clientTls } from './client-tls.mjs'

const [url, folder, name, seconds] = process.argv.slice(2)
const { hostname, port, pathname } = new URL(url)
const tls = clientTls(folder, name)
const ask = `GET ${pathname} HTTP/1.1\r\nHost: ${hostname}\r\n\r\n`
const until = Date.now() + Number(seconds) * 1000
let answered = 0

const loop = () =>
  new Promise((resolve, reject) => {
    const socket = connect({ ...tls, host: '127.0.0.1', servername: hostname, port })
    let seen = ''
    socket.setEncoding('latin1')
    socket.on('secureConnect', () => socket.write(ask))
    socket.on('data', (chunk) => {
      seen += chunk
      // One request at a time, so that what ends with the body is one answer.
      if (!seen.endsWith('hello, world\n') && !seen.endsWith('hello, world\n\r\n0\r\n\r\n')) return
      if (!seen.startsWith('HTTP/1.1 200 ')) reject(new Error(seen))
      seen = ''
      answered++
      if (Date.now() < until) socket.write(ask)
      else socket.end(resolve)
    })
    socket.on('error', reject)
    socket.on('end', () => (seen === '' ? resolve() : reject(new Error(seen))))
  })
await Promise.all(Array.from({ length: 32 }, loop))
process.stdout.write(String(answered))
