import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { verdictOf } from '../../../src/gateway/upstreams/health-checks.ts'
import type { Target } from '../../../src/gateway/upstreams/target.ts'
import { eventually } from '../../support/eventually.ts'
import { front } from '../support/front.ts'
import { exchange } from '../support/raw-client.ts'
import { http2Upstream } from './support/http2-upstream.ts'

const GET = 'GET / HTTP/1.1\r\nHost: api.example\r\n\r\n'
const HEALTH = { path: '/healthz?x', interval: 10, timeout: 1000, healthy: 2, unhealthy: 2 }

interface Checked {
  readonly port: number
  /** What a check is answered with; 0: nothing. */
  status: number
  readonly checks: string[]
}

async function upstream(t: ExecutionContext, name: string): Promise<Checked> {
  const checked = { port: 0, status: 200, checks: [] as string[] }
  const server = createServer((request, response) => {
    if (request.url !== '/healthz?x') {
      response.end(name)
      return
    }
    checked.checks.push(`${request.method} ${String(request.headers.host)}`)
    if (checked.status !== 0) response.writeHead(checked.status).end('x'.repeat(100_000))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return Object.assign(checked, { port: (server.address() as AddressInfo).port })
}

test('a verdict needs so many answers of a kind in a row', (t) => {
  const judge = verdictOf({ healthy: 2, unhealthy: 3 })
  const answers = [false, false, true, false, false, false, true, false, true, true]
  const verdicts = [undefined, undefined, undefined, undefined, undefined, false, undefined]
  t.deepEqual(answers.map(judge), [...verdicts, undefined, undefined, true])
})

for (const [what, status] of [
  ['an error', 500],
  ['a redirect', 302],
  ['silence', 0],
] as const) {
  test(`a target whose health check gets ${what} is left out until it is well`, async (t) => {
    const [a, b] = [await upstream(t, 'a'), await upstream(t, 'b')]
    const told: string[] = []
    const events = {
      onFailure: () => undefined,
      onRetry: () => undefined,
      onChange: ({ address }: Target, isIn: boolean) => told.push(`${address.port} ${isIn}`),
    }
    const targets = [a, b].map(({ port }) => `http://127.0.0.1:${port}`)
    const health = { ...HEALTH, timeout: status === 0 ? 50 : 1000 }
    const { port } = await front(t, 0, { targets, health, events })
    a.status = status
    await eventually(() => told.find((one) => one === `${a.port} false`))
    const bodies = [1, 2, 3, 4].map(async () => (await exchange(t, port, GET)).body)
    t.deepEqual(await Promise.all(bodies), ['b', 'b', 'b', 'b'])
    a.status = 204
    await eventually(() => told.find((one) => one === `${a.port} true`))
    t.is(a.checks[0], `GET 127.0.0.1:${a.port}`)
  })
}

test('health checks end with the forwarder, and do not wait behind requests', async (t) => {
  const one = await upstream(t, 'a')
  const targets = [`http://127.0.0.1:${one.port}`]
  const { forwarder } = await front(t, 0, { targets, health: HEALTH, connections: 1 })
  const [target] = forwarder.targets
  if (target) target.underWay = 1000
  await eventually(() => (one.checks.length > 2 ? true : undefined))
  await forwarder.close(0)
  const { length } = one.checks
  await new Promise((resolve) => setTimeout(resolve, 50))
  t.true(one.checks.length <= length + 1)
})

test('a target over HTTP/2 is checked over HTTP/2', async (t) => {
  const seen = await http2Upstream(t, (stream) => {
    stream.respond({ ':status': 503 })
    stream.end()
  })
  const targets = [`http://127.0.0.1:${seen.port}`]
  const { forwarder } = await front(t, 0, { targets, health: HEALTH, protocol: 'h2' })
  await eventually(() => forwarder.targets.find(({ healthy }) => !healthy))
  t.is(seen.seen[0]?.headers[':path'], '/healthz?x')
})
