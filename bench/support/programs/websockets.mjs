// Messages of 64 bytes back and forth on 32 WebSockets: argv is url, folder, certificate, seconds, token. Prints how many came back.
import WebSocket from 'ws'

import { clientTls } from './client-tls.mjs'

const [url, folder, name, seconds, token] = process.argv.slice(2)
const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
const options = { ...clientTls(folder, name), headers, perMessageDeflate: false }
const message = 'x'.repeat(64)
const until = Date.now() + Number(seconds) * 1000
let answered = 0

const loop = () =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url.replace(/^https/, 'wss'), options)
    socket.on('open', () => socket.send(message))
    socket.on('message', (echo) => {
      if (!Buffer.from(message).equals(echo)) reject(new Error('not what was sent'))
      answered++
      if (Date.now() < until) socket.send(message)
      else socket.close()
    })
    socket.on('close', resolve)
    socket.on('error', reject)
  })
await Promise.all(Array.from({ length: 32 }, loop))
process.stdout.write(String(answered))
