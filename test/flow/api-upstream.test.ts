import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { secretClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { recordingUpstream } from '../support/recording-upstream.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { sendHttp2 } from '../support/send-http2.ts'
import { basic } from '../support/send.ts'
import { startSidecar } from '../support/start-sidecar.ts'

const SECRET = 'a generated secret'
const headers = { authorization: basic('batch', SECRET) }
const clients = [secretClient('batch', SECRET, { allowedScopes: ['read'] })]

const isFailure = ({ event }: { event: string }) => event === 'upstream.failed'

/** A port that counts what arrives and never answers. */
async function silentPort(
  t: ExecutionContext,
): Promise<{ port: number; seen: { bytes: number; connections: number } }> {
  const seen = { bytes: 0, connections: 0 }
  const server = createServer((socket) => {
    seen.connections += 1
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => (seen.bytes += chunk.length))
    t.teardown(() => socket.destroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return { port: (server.address() as AddressInfo).port, seen }
}

test('of a request that is refused not one byte reaches the upstream', async (t) => {
  const { port, seen } = await silentPort(t)
  const running = await startSidecar(t, {
    settings: {
      upstream: `http://127.0.0.1:${port}`,
      routes: [{ path: '/orders/**', methods: ['GET', 'POST'], scopes: ['write'] }],
    },
    clients,
  })
  const body = 'x'.repeat(100_000)
  const wrong = { authorization: basic('batch', 'wrong') }
  for (const [status, request] of [
    [401, { path: '/' }],
    [401, { path: '/', body }],
    [401, { path: '/', headers: wrong, body }],
    [401, { path: '/', headers: wrong, body, chunked: true }],
    [401, { path: '/', headers: { authorization: 'Bearer abc' } }],
    [400, { path: '/', headers: { authorization: 'Bearer' } }],
    [403, { path: '/orders/1', headers }],
    [403, { path: '/orders/1', headers, body }],
    [405, { path: '/orders/1', method: 'PUT', headers, body }],
    [400, { path: '/a/../b', headers }],
    [501, { path: '/', method: 'TRACE', headers }],
    [400, { path: '/', headers: { ...headers, content_length: '1' } }],
  ] as const) {
    const answer = await running.send(request)
    t.is(answer.status, status, `${request.path} ${answer.text}`)
  }
  t.deepEqual(seen, { bytes: 0, connections: 0 })
})

test('when the upstream is down the client is told so, and no more', async (t) => {
  const closed = createServer()
  closed.listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  await once(closed, 'close')
  const running = await startSidecar(t, {
    settings: { upstream: `http://127.0.0.1:${port}` },
    clients,
  })
  const answer = await running.send({ path: '/', headers })
  t.is(answer.status, 502)
  t.is(answer.headers['content-type'], 'application/problem+json')
  t.like(answer.json(), { status: 502, title: 'Bad Gateway' })
  t.false(/127\.0\.0\.1|ECONNREFUSED/.test(answer.text))
  t.like(await eventually(() => running.log.find(isFailure)), {
    requestId: answer.headers['x-request-id'],
    client: 'batch',
    reason: 'upstream-refused',
    status: 502,
  })
})

test('a status that there is none of is a bad answer of the upstream, whatever the client speaks', async (t) => {
  const { port } = await scriptedUpstream(t, ({ socket }) => {
    socket.end('HTTP/1.1 700 Odd\r\ncontent-length: 2\r\n\r\nhi')
  })
  const settings = { upstream: `http://127.0.0.1:${port}` }
  const running = await startSidecar(t, { settings, clients })
  const answers = [await running.send({ headers }), await sendHttp2(t, running, { headers })]
  for (const answer of answers) {
    t.is(answer.status, 502)
    const requestId = answer.headers['x-request-id']
    const failure = await eventually(() =>
      running.log.find((line) => line['requestId'] === requestId),
    )
    t.like(failure, { event: 'upstream.failed', reason: 'upstream-bad-response' })
  }
})

test('when the upstream does not answer in time the client is told so', async (t) => {
  const { port } = await silentPort(t)
  const running = await startSidecar(t, {
    settings: {
      upstream: `http://127.0.0.1:${port}`,
      upstreamLimits: { headersTimeout: '200ms' },
    },
    clients,
  })
  const answer = await running.send({ path: '/', headers })
  t.is(answer.status, 504)
  t.is(answer.headers['content-type'], 'application/problem+json')
  t.like(answer.json(), { status: 504, title: 'Gateway Timeout' })
  t.like(await eventually(() => running.log.find(isFailure)), {
    requestId: answer.headers['x-request-id'],
    reason: 'upstream-timeout',
    status: 504,
  })
})

test('an error of the upstream’s own is handed on as it is', async (t) => {
  const running = await startSidecar(t, {
    clients,
    answer(_request, response) {
      response.writeHead(500, { 'content-type': 'text/plain', 'www-authenticate': 'Custom x=1' })
      response.end('its own words')
    },
  })
  const answer = await running.send({ path: '/', headers })
  t.is(answer.status, 500)
  t.is(answer.text, 'its own words')
  t.is(answer.headers['www-authenticate'], 'Custom x=1')
})

test('a request whose body is still to come when a reload changes the upstream goes where it was to go', async (t) => {
  const running = await startSidecar(t, { clients })
  const other = await recordingUpstream(t)
  const { port, pki } = running
  const request = httpsRequest({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca: pki.rootCa.pem,
    agent: false,
    method: 'POST',
    path: '/slow',
    headers: { ...headers, 'content-length': 4, expect: '100-continue' },
  })
  request.flushHeaders()
  await once(request, 'continue')
  running.configure({ upstream: `http://127.0.0.1:${other.port}` })
  t.true(await running.sidecar.reload())
  request.end('body')
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.resume()
  t.is(response.statusCode, 200)
  t.deepEqual([running.upstream.arrived.length, other.arrived.length], [1, 0])
})

test('after a reload requests go to the new upstream, and by the new rules', async (t) => {
  const running = await startSidecar(t, { clients })
  t.is((await running.send({ path: '/', headers })).status, 200)
  const { port, seen } = await silentPort(t)
  running.configure({
    upstream: `http://127.0.0.1:${port}`,
    upstreamLimits: { headersTimeout: '100ms' },
    routes: [{ path: '/new', scopes: ['write'] }],
  })
  t.true(await running.sidecar.reload())
  t.is((await running.send({ path: '/new', headers })).status, 403)
  t.is(seen.connections, 0)
  t.is((await running.send({ path: '/', headers })).status, 504)
  t.is(seen.connections, 1)
  t.is(running.upstream.arrived.length, 1)
})
