// One request on a new mTLS connection after another: argv is url, folder of the certificates, seconds. Prints how many were answered 200.
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import path from 'node:path'

const [url, folder, seconds] = process.argv.slice(2)
const read = (name) => readFileSync(path.join(folder, name))
const tls = { ca: read('ca.crt'), cert: read('client.crt'), key: read('client.key') }
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
console.log(answered)
