// A peer: http-proxy over TLS. argv is port, port of the API, key, certificate.
import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { createServer } from 'node:https'
import { createRequire } from 'node:module'

// The one of `bench/node_modules`, not its successor that the project has under this name and the linter would look at.
const httpProxy = createRequire(import.meta.url)('http-proxy')

const [port, upstream, key, cert] = process.argv.slice(2)
const proxy = httpProxy.createProxyServer({
  target: `http://127.0.0.1:${upstream}`,
  agent: new Agent({ keepAlive: true, maxSockets: 128 }),
})
createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
  proxy.web(request, response)
}).listen(Number(port), '127.0.0.1')
