import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

import test from 'ava'

import type { Target } from '../../../src/gateway/upstreams/target.ts'
import { chunk } from '../support/chunk.ts'
import { freePort } from '../support/free-port.ts'
import { front } from '../support/front.ts'
import { exchange, rawClient } from '../support/raw-client.ts'
import { rawUpstream } from '../support/raw-upstream.ts'
import type { RawUpstream } from '../support/raw-upstream.ts'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK'

/** An upstream that answers the first request of a connection and hangs up when the second one comes. */
function forgetful(t: Parameters<typeof rawUpstream>[0], last = ''): Promise<RawUpstream> {
  const served = new WeakSet<Socket>()
  return rawUpstream(t, (socket) => {
    if (served.has(socket)) {
      socket.end(last)
      return
    }
    served.add(socket)
    socket.write(OK)
  })
}

function request(method: string, body = ''): string {
  return `${method} / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

for (const [method, body] of [
  ['GET', ''],
  ['HEAD', ''],
  ['OPTIONS', ''],
  ['DELETE', ''],
  ['PUT', 'body'],
  ['GET', 'body'],
] as const) {
  test(`${method} with "${body}" is sent once more when a kept connection is closed under it`, async (t) => {
    const upstream = await forgetful(t)
    const { port, outcomes, ended } = await front(t, upstream.port, { connections: 1 })
    t.is((await exchange(t, port, request('PUT', 'x'))).status, 200)
    t.is((await exchange(t, port, request(method, body))).status, 200)
    await ended(2)
    t.deepEqual(outcomes, [
      { ok: true, status: 200 },
      { ok: true, status: 200 },
    ])
    const requests = upstream.requests()
    t.is(requests.length, 3)
    t.is(requests[2]?.body, body)
    t.is(upstream.connections.length, 2)
  })
}

for (const method of ['POST', 'PATCH', 'PURGE']) {
  test(`${method} is not sent once more when a kept connection is closed under it`, async (t) => {
    const upstream = await forgetful(t)
    const { port, outcomes, ended } = await front(t, upstream.port, { connections: 1 })
    await exchange(t, port, request('PUT', 'x'))
    t.is((await exchange(t, port, request(method, 'body'))).status, 502)
    await ended(2)
    t.like(outcomes[1], { reason: 'upstream-reset', status: 502 })
    t.is(upstream.requests().length, 2)
  })
}

test('a reset of a kept connection counts as well', async (t) => {
  const served = new WeakSet<Socket>()
  const upstream = await rawUpstream(t, (socket) => {
    if (served.has(socket)) socket.resetAndDestroy()
    else socket.write(OK)
    served.add(socket)
  })
  const { port } = await front(t, upstream.port, { connections: 1 })
  await exchange(t, port, request('PUT', 'x'))
  t.is((await exchange(t, port, request('PUT', 'y'))).status, 200)
  t.is(upstream.requests().length, 3)
})

test('nothing is sent once more after a byte of an answer', async (t) => {
  const upstream = await forgetful(t, 'H')
  const { port, outcomes, ended } = await front(t, upstream.port, { connections: 1 })
  await exchange(t, port, request('PUT', 'x'))
  t.is((await exchange(t, port, request('GET'))).status, 502)
  await ended(2)
  t.is(upstream.requests().length, 2)
  t.false(outcomes[1]?.ok)
})

test('a new connection that is closed under a request is not tried again: the request may be why', async (t) => {
  const upstream = await rawUpstream(t, (socket) => socket.end())
  const { port } = await front(t, upstream.port)
  t.is((await exchange(t, port, request('GET'))).status, 502)
  t.is(upstream.requests().length, 1)
})

test('a body that is sent on while it comes in is not sent once more', async (t) => {
  const upstream = await forgetful(t)
  const { port } = await front(t, upstream.port, { connections: 1 })
  await exchange(t, port, request('PUT', 'x'))
  const head = 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
  t.is((await exchange(t, port, `${head}${chunk(10)}0\r\n\r\n`)).status, 502)
  t.is(upstream.requests().length, 2)
})

for (const retries of [0, 1, 2]) {
  test(`what cannot be reached at all is tried ${retries + 1} times with retries: ${retries}`, async (t) => {
    const ports = [await freePort(), await freePort()]
    const targets = ports.map((port) => `http://127.0.0.1:${port}`)
    const failed: string[] = []
    const events = {
      onChange: () => undefined,
      onRetry: () => undefined,
      onFailure: ({ address }: Target, reason: string) => failed.push(`${address.port} ${reason}`),
    }
    const { port, outcomes, ended } = await front(t, 0, { targets, retries, events })
    t.is((await exchange(t, port, request('GET'))).status, 502)
    await ended()
    t.like(outcomes[0], { reason: 'upstream-refused' })
    t.is(failed.length, retries + 1)
    t.is(new Set(failed).size, Math.min(retries + 1, 2))
  })
}

test('when requests wait for a connection nothing is tried again', async (t) => {
  const held: Socket[] = []
  const busy = await rawUpstream(t, (socket) => held.push(socket))
  const targets = [busy.port, await freePort()].map((port) => `http://127.0.0.1:${port}`)
  const { port, forwarder } = await front(t, 0, { targets, connections: 1 })
  const [first] = forwarder.targets
  if (first) first.underWay = 1
  t.is((await exchange(t, port, request('GET'))).status, 502)
  t.is(busy.connections.length, 0)
})

for (const [what, bytes] of [
  ['a GET', request('GET')],
  ['a POST', request('POST', 'body')],
  [
    'an upload',
    `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk(100_000)}0\r\n\r\n`,
  ],
] as const) {
  test(`${what} goes to another target when the first cannot be reached`, async (t) => {
    const upstream = await rawUpstream(t)
    const dead = await freePort()
    const targets = [dead, upstream.port].map((port) => `http://127.0.0.1:${port}`)
    const { port, outcomes, ended } = await front(t, 0, { targets })
    for (let i = 0; i < 4; i++) t.is((await exchange(t, port, bytes)).status, 200)
    await ended(4)
    t.true(outcomes.every(({ ok }) => ok))
    const sizes = new Set(upstream.requests().map(({ body }) => body.length))
    t.is(upstream.requests().length, 4)
    t.is(sizes.size, 1)
  })
}

test('a target on which no connection comes about in time is passed over', async (t) => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const { port: silentPort } = silent.address() as AddressInfo
  const upstream = await rawUpstream(t)
  const targets = [`https://127.0.0.1:${silentPort}`, `http://127.0.0.1:${upstream.port}`]
  const { port, outcomes, ended } = await front(t, 0, { targets, timeouts: { connect: 100 } })
  const bytes = request('POST', 'body')
  const answers = await Promise.all([1, 2, 3, 4].map(() => exchange(t, port, bytes)))
  t.deepEqual(
    answers.map(({ status }) => status),
    [200, 200, 200, 200],
  )
  await ended(4)
  t.true(outcomes.every(({ ok }) => ok))
})

test('an upload that becomes too long, and a client that leaves, are not the fault of the target', async (t) => {
  const upstream = await rawUpstream(t)
  const failed: string[] = []
  const events = {
    onChange: () => undefined,
    onRetry: () => undefined,
    onFailure: (_target: Target, reason: string) => failed.push(reason),
  }
  const { port, outcomes, ended } = await front(t, upstream.port, { maxBody: 10, events })
  const head = 'PUT / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
  await rawClient(t, port, `${head}${chunk(5)}${chunk(5)}${chunk(1)}`)
  await ended()
  t.like(outcomes[0], { reason: 'body-too-large' })
  const leaving = await rawClient(t, port, `${head}${chunk(5)}`)
  while (!upstream.connections.some(({ bytes }) => bytes.endsWith('xxx'))) {
    await new Promise(setImmediate)
  }
  leaving.socket.destroy()
  await ended(2)
  t.like(outcomes[1], { reason: 'client-aborted' })
  await upstream.allClosed()
  t.deepEqual(failed, [])
})

test('the only target is not waited for twice', async (t) => {
  const silent = createServer().listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const targets = [`https://127.0.0.1:${(silent.address() as AddressInfo).port}`]
  const { port, outcomes, ended } = await front(t, 0, { targets, timeouts: { connect: 50 } })
  t.is((await exchange(t, port, request('GET'))).status, 504)
  await ended()
  t.like(outcomes[0], { reason: 'upstream-timeout' })
})
