// A peer: @fastify/http-proxy over TLS. argv is port, port of the API, key, certificate.
import { readFileSync } from 'node:fs'

import proxy from '@fastify/http-proxy'
import fastify from 'fastify'

const [port, upstream, key, cert] = process.argv.slice(2)
const server = fastify({ https: { key: readFileSync(key), cert: readFileSync(cert) } })
server.register(proxy, { upstream: `http://127.0.0.1:${upstream}`, undici: { connections: 128 } })
await server.listen({ host: '127.0.0.1', port: Number(port) })
