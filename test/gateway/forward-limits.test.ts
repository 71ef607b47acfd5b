import type { Socket } from 'node:net'

import test from 'ava'

import { freePort } from './support/free-port.ts'
import { front } from './support/front.ts'
import { exchange, rawClient } from './support/raw-client.ts'
import { rawUpstream } from './support/raw-upstream.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK'

test('a request that gets no connection in time is a 504, and the connection serves the next', async (t) => {
  const held: Socket[] = []
  const upstream = await rawUpstream(t, (socket, { target }) => {
    if (target === '/slow') held.push(socket)
    else socket.write(OK)
  })
  const { port, outcomes, ended } = await front(t, upstream.port, {
    connections: 1,
    timeouts: { connect: 100 },
  })
  const slow = await rawClient(t, port, GET.replace('/', '/slow'))
  while (held.length === 0) await new Promise(setImmediate)
  t.is((await exchange(t, port, GET.replace('/', '/queued'))).status, 504)
  await ended()
  t.like(outcomes[0], { reason: 'upstream-timeout' })
  held[0]?.write(OK)
  await slow.until((received) => received.endsWith('OK'))
  t.is((await exchange(t, port, GET.replace('/', '/next'))).body, 'OK')
  t.deepEqual(
    upstream.requests().map(({ target }) => target),
    ['/slow', '/next'],
  )
  t.is(upstream.connections.length, 1)
})

test('requests beyond the queue are a 503 that says when to come again', async (t) => {
  const held: Socket[] = []
  const upstream = await rawUpstream(t, (socket) => held.push(socket))
  const { port } = await front(t, upstream.port, { connections: 1, waiting: 0 })
  const first = await rawClient(t, port, GET)
  while (held.length === 0) await new Promise(setImmediate)
  const answer = await exchange(t, port, GET)
  t.is(answer.status, 503)
  t.deepEqual(answer.values('retry-after'), ['1'])
  held[0]?.write(OK)
  await first.until((received) => received.endsWith('OK'))
  const next = await rawClient(t, port, GET)
  while (held.length === 1) await new Promise(setImmediate)
  held[1]?.write(OK)
  await next.until((received) => received.endsWith('OK'))
})

test('an answer to a failure that throws costs this connection and no more', async (t) => {
  const { port, outcomes, ended } = await front(t, await freePort(), {
    onFailure() {
      throw new Error('no template')
    },
  })
  const client = await rawClient(t, port, GET)
  await client.closed()
  await ended()
  t.like(outcomes[0], { reason: 'upstream-refused' })
})

test('closing lets the exchange under way end and takes no more', async (t) => {
  const held: Socket[] = []
  const upstream = await rawUpstream(t, (socket) => held.push(socket))
  const { port, forwarder } = await front(t, upstream.port)
  const client = await rawClient(t, port, GET)
  while (held.length === 0) await new Promise(setImmediate)
  const closed = forwarder.close()
  t.is((await exchange(t, port, GET)).status, 503)
  held[0]?.write(OK)
  await client.until((received) => received.endsWith('OK'))
  await closed
  await upstream.allClosed()
})

test('closing cuts off what takes longer than the grace', async (t) => {
  const held: Socket[] = []
  const upstream = await rawUpstream(t, (socket) => held.push(socket))
  const { port, forwarder } = await front(t, upstream.port)
  const client = await rawClient(t, port, GET)
  while (held.length === 0) await new Promise(setImmediate)
  await forwarder.close(10)
  t.regex(await client.until((received) => received.endsWith('}')), /^HTTP\/1\.1 503 /)
})
