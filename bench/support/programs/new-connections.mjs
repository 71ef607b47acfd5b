// One request on a new TLS connection after another, eight at a time: argv is url, folder, certificate, seconds. Prints how many were answered 200.
import { request } from 'node:https'

import { clientTls } from './client-tls.mjs'

const [url, folder, name, seconds] = process.argv.slice(2)
const tls = clientTls(folder, name)
const until = Date.now() + Number(seconds) * 1000
let answered = 0

const once = () =>
  new Promise((resolve, reject) => {
    // A session that is resumed is no new connection.
    const options = { ...tls, agent: false, maxCachedSessions: 0, headers: { connection: 'close' } }
    request(url, options, (response) => {
      if (response.statusCode !== 200) reject(new Error(`${response.statusCode}`))
      response.resume().on('end', resolve)
    })
      .on('error', reject)
      .end()
  })
const loop = async () => {
  while (Date.now() < until) {
    await once()
    answered++
  }
}
await Promise.all(Array.from({ length: 8 }, loop))
process.stdout.write(String(answered))
