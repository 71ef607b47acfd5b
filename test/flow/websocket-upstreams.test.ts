import { createServer as createTlsServer } from 'node:https'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { TLSSocket } from 'node:tls'

import test from 'ava'
import type { ExecutionContext } from 'ava'
import { WebSocketServer } from 'ws'

import { secretClient } from '../support/clients.ts'
import { openWebSocket, refusedWebSocket } from '../support/open-websocket.ts'
import { pki } from '../support/pki.ts'
import type { Identity } from '../support/pki.ts'
import { basic } from '../support/send.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { webSocketUpstream } from '../support/websocket-upstream.ts'

const SECRET = 'a generated secret'
const headers = { authorization: basic('batch', SECRET) }
const clients = [secretClient('batch', SECRET)]

/** An API behind TLS that wants a certificate of ours, and says what it was shown. */
async function tlsUpstream(t: ExecutionContext, { cert, key }: Identity, ca: string) {
  const server = createTlsServer({ cert, key, ca, requestCert: true, rejectUnauthorized: true })
  const sockets = new WebSocketServer({ server })
  sockets.on('connection', (socket, request) => {
    const connection = request.socket as TLSSocket
    const subject = connection.getPeerCertificate().subject.CN
    const name = String((connection as { servername?: unknown }).servername)
    socket.on('message', () => socket.send(`${String(subject)} asked ${name}`))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets.clients) socket.terminate()
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

test('an upstream behind TLS is asked for the name it has, shown our certificate, and verified', async (t) => {
  const { rootCa, server, client } = await pki()
  const port = await tlsUpstream(t, server, rootCa.pem)
  const sidecar = await startSidecar(t, {
    clients,
    files: { 'own.crt': client.cert, 'own.key': client.key },
    settings: {
      upstream: {
        targets: [`https://127.0.0.1:${port}`],
        tls: { ca: 'ca.crt', certificate: 'own.crt', key: 'own.key', serverName: 'localhost' },
      },
    },
  })
  const { ask } = await openWebSocket(t, sidecar, { headers: { ...headers, host: 'evil.example' } })
  t.is((await ask('who')).toString(), 'client asked localhost')
})

test('an upstream whose certificate is for another name is not spoken to, whatever the Host', async (t) => {
  const { rootCa, server, client } = await pki()
  const port = await tlsUpstream(t, server, rootCa.pem)
  const sidecar = await startSidecar(t, {
    clients,
    files: { 'own.crt': client.cert, 'own.key': client.key },
    settings: {
      upstream: {
        targets: [`https://127.0.0.1:${port}`],
        tls: { ca: 'ca.crt', certificate: 'own.crt', key: 'own.key', serverName: 'other.example' },
      },
    },
  })
  const refused = await refusedWebSocket(t, sidecar, { headers: { ...headers, host: 'localhost' } })
  t.is(refused.status, 502)
  t.like(refused.line, { event: 'upstream.failed', reason: 'upstream-tls' })
})

test('an upstream of an authority that we do not know is not spoken to', async (t) => {
  const { rootCa, server } = await pki()
  const port = await tlsUpstream(t, server, rootCa.pem)
  const sidecar = await startSidecar(t, {
    clients,
    settings: { upstream: `https://127.0.0.1:${port}` },
  })
  const refused = await refusedWebSocket(t, sidecar, { headers })
  t.is(refused.status, 502)
  t.like(refused.line, { event: 'upstream.failed', reason: 'upstream-tls' })
})

test('an upstream behind a socket of the file system is reached', async (t) => {
  const socket = path.join(temporaryFolder(t), 'api.sock')
  await webSocketUpstream(t, undefined, { path: socket })
  const sidecar = await startSidecar(t, { clients, settings: { upstream: `unix:${socket}` } })
  const { ask } = await openWebSocket(t, sidecar, { headers })
  t.is((await ask('hello')).toString(), 'hello')
})

test('the upstream of a route is the one that is asked', async (t) => {
  const [usual, special] = [await webSocketUpstream(t), await webSocketUpstream(t)]
  const sidecar = await startSidecar(t, {
    clients,
    settings: {
      upstream: `http://127.0.0.1:${usual.port}`,
      upstreams: { special: `http://127.0.0.1:${special.port}` },
      routes: [
        {
          path: '/special/**',
          upstream: 'special',
          rewrite: { stripPrefix: '/special', setHeaders: { 'X-From': 'us' } },
        },
      ],
    },
  })
  const { ask } = await openWebSocket(t, sidecar, { path: '/special/feed?a=1', headers })
  t.is((await ask('hello')).toString(), 'hello')
  t.is(usual.arrived.length, 0)
  t.is(special.arrived[0]?.url, '/feed?a=1')
  t.is(special.arrived[0]?.headers['x-from'], 'us')
})

for (const kind of ['a port', 'a socket']) {
  test(`an upstream that is spoken to in HTTP/2 on ${kind} without TLS is not asked for an upgrade`, async (t) => {
    const socket = path.join(temporaryFolder(t), 'api.sock')
    const isPort = kind === 'a port'
    const api = await webSocketUpstream(t, undefined, isPort ? undefined : { path: socket })
    const target = isPort ? `http://127.0.0.1:${api.port}` : `unix:${socket}`
    const sidecar = await startSidecar(t, {
      clients,
      settings: { upstream: { targets: [target], protocol: 'h2' } },
    })
    const refused = await refusedWebSocket(t, sidecar, { headers })
    t.is(refused.status, 501)
    t.like(refused.line, {
      event: 'request.refused',
      reason: 'upgrade-not-supported',
      client: 'batch',
      status: 501,
    })
    t.is(api.arrived.length, 0)
  })
}

test('upgraded connections take no room from ordinary requests', async (t) => {
  const api = await webSocketUpstream(t)
  const limits = { connections: 1, waiting: 0 }
  const sidecar = await startSidecar(t, {
    clients,
    settings: { upstream: { targets: [`http://127.0.0.1:${api.port}`], limits } },
  })
  for (let i = 0; i < 3; i++) await openWebSocket(t, sidecar, { headers })
  t.is((await sidecar.send({ headers })).text, 'plain HTTP')
})

test('when the upstream is down the client is told so', async (t) => {
  const closed = createServer()
  closed.listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  await once(closed, 'close')
  const sidecar = await startSidecar(t, {
    clients,
    settings: { upstream: `http://127.0.0.1:${port}` },
  })
  const refused = await refusedWebSocket(t, sidecar, { headers })
  t.is(refused.status, 502)
  t.is(refused.headers['content-type'], 'application/problem+json')
  t.false(/127\.0\.0\.1|ECONNREFUSED/.test(refused.text))
  t.like(refused.line, {
    event: 'upstream.failed',
    reason: 'upstream-refused',
    client: 'batch',
    status: 502,
  })
})
