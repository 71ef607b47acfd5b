// What judges tokens for the peers: /introspect as RFC 7662, /judge by status as auth_request wants it.
// argv is port for HTTP, port for HTTPS, token, key, certificate.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { text } from 'node:stream/consumers'

const [port, tlsPort, token, key, cert] = process.argv.slice(2)
const answer = JSON.stringify({
  active: true,
  client_id: 'batch',
  scope: 'read',
  token_type: 'Bearer',
  exp: Math.floor(Date.now() / 1000) + 86_400,
})
let asked = 0

async function answerTo(request, response) {
  asked++
  if (request.url === '/asked') {
    response.end(String(asked))
  } else if (request.url === '/judge') {
    const isGood = request.headers.authorization === `Bearer ${token}`
    response.writeHead(isGood ? 200 : 401, { 'x-client-id': 'batch' }).end()
  } else {
    const form = new URLSearchParams(await text(request))
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(form.get('token') === token ? answer : '{"active":false}')
  }
}

function judge(request, response) {
  void answerTo(request, response)
}

const files = { key: readFileSync(key), cert: readFileSync(cert) }
createServer(judge).listen(Number(port), '127.0.0.1')
createTlsServer(files, judge).listen(Number(tlsPort), '127.0.0.1')
