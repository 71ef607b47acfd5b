import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { createMetrics } from '../../src/operations/metrics.ts'
import { operationsServer } from '../../src/operations/operations-server.ts'
import type { Readiness } from '../../src/operations/readiness.ts'

async function listen(
  t: ExecutionContext,
  readiness: () => Readiness = () => ({ ready: true, details: [] }),
  metrics = createMetrics('1.2.3'),
) {
  const server = operationsServer(readiness, metrics)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    async ask(path: string, method = 'GET') {
      const request = httpRequest({ port, host: '127.0.0.1', path, method, agent: false }).end()
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      return { status: response.statusCode, headers: response.headers, body: await text(response) }
    },
  }
}

test('it says that the process lives', async (t) => {
  const { ask } = await listen(t)
  t.like(await ask('/livez'), { status: 200, body: 'ok\n' })
  t.like(await ask('/livez?verbose'), { status: 200, body: 'ok\n' })
})

test('it says whether requests should come, and what an operator should know', async (t) => {
  let readiness: Readiness = { ready: true, details: ['an old configuration is serving'] }
  const { ask } = await listen(t, () => readiness)
  t.like(await ask('/readyz'), { status: 200, body: 'ok\nan old configuration is serving\n' })
  readiness = { ready: false, details: ['stopping'] }
  t.like(await ask('/readyz'), { status: 503, body: 'not ready\nstopping\n' })
})

test('it shows the metrics as Prometheus reads them', async (t) => {
  const metrics = createMetrics('1.2.3')
  metrics.refused('invalid_client', 'secret-mismatch')
  metrics.reloaded('failure')
  const { ask } = await listen(t, undefined, metrics)
  const { status, headers, body } = await ask('/metrics')
  t.is(status, 200)
  t.regex(headers['content-type'] ?? '', /^text\/plain; version=0\.0\.4/)
  t.true(body.includes('vouchgate_build_info{version="1.2.3"'))
  t.true(
    body.includes('vouchgate_refusals_total{error="invalid_client",reason="secret-mismatch"} 1'),
  )
  t.true(body.includes('vouchgate_config_reload_total{result="failure"} 1'))
  t.true(body.includes('vouchgate_config_reload_total{result="success"} 0'))
})

test('HEAD says what GET would, without the body', async (t) => {
  const { ask } = await listen(t)
  for (const path of ['/livez', '/readyz', '/metrics']) {
    const got = await ask(path)
    const head = await ask(path, 'HEAD')
    t.is(head.status, 200)
    t.is(head.body, '')
    t.is(head.headers['content-length'], String(Buffer.byteLength(got.body)))
    t.is(head.headers['cache-control'], 'no-store')
  }
})

test('anything else is not there, whatever it is called', async (t) => {
  const { ask } = await listen(t)
  for (const path of [
    '/',
    '/livez/',
    '/LIVEZ',
    '/__proto__',
    '/constructor',
    '/metrics/../livez',
    '//livez',
  ]) {
    t.like(await ask(path), { status: 404, body: 'There is /livez, /readyz and /metrics.\n' }, path)
  }
  t.is((await ask('/nothing', 'POST')).status, 404)
})

test('nothing but GET and HEAD is allowed', async (t) => {
  const { ask } = await listen(t)
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE']) {
    const { status, headers } = await ask('/readyz', method)
    t.is(status, 405, method)
    t.is(headers.allow, 'GET, HEAD')
  }
})

test('a reason that a plugin makes up for each request does not become a metric for each', async (t) => {
  const metrics = createMetrics('1.2.3')
  for (let index = 0; index < 10_000; index++) metrics.refused('invalid_client', `unknown-${index}`)
  const { text: shown } = await metrics.render()
  const lines = shown.split('\n').filter((line) => line.startsWith('vouchgate_refusals_total{'))
  t.is(lines.length, 501)
  t.true(shown.includes('reason="other"} 9500'))
})

test('a head that is too long is refused', async (t) => {
  const { port } = await listen(t)
  const socket = connect(port, '127.0.0.1')
  socket.write(`GET /livez HTTP/1.1\r\nhost: x\r\nx: ${'a'.repeat(10_000)}\r\n\r\n`)
  t.regex(await text(socket), /^HTTP\/1\.1 431 /)
})

test('metrics that fail are an error of ours, not the end', async (t) => {
  const metrics = {
    ...createMetrics('1'),
    render: () => Promise.reject(new Error('secret detail')),
  }
  const { ask } = await listen(t, undefined, metrics)
  t.like(await ask('/metrics'), { status: 500, body: 'failed\n' })
  t.is((await ask('/livez')).status, 200)
})
