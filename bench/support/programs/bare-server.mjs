// A bare HTTPS answer, for comparison: argv is port, key, certificate.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

const [port, key, cert] = process.argv.slice(2)
const body = JSON.stringify({
  access_token: 'x'.repeat(500),
  expires_in: 3600,
  token_type: 'Bearer',
})
const files = { key: readFileSync(key), cert: readFileSync(cert) }
createServer(files, (request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(body)
  })
}).listen(Number(port), '127.0.0.1')
