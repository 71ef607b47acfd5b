import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

import test from 'ava'

import { chunk } from './support/chunk.ts'
import { front } from './support/front.ts'
import { rawClient } from './support/raw-client.ts'
import { rawUpstream } from './support/raw-upstream.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const UPLOAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'

test('a client that leaves before the answer takes its upstream request with it', async (t) => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const upstream = await rawUpstream(t, () => resolve())
  const { port, outcomes, ended } = await front(t, upstream.port)
  const client = await rawClient(t, port, GET)
  await promise
  client.socket.destroy()
  await upstream.allClosed()
  await ended()
  t.deepEqual(outcomes, [{ ok: false, reason: 'client-aborted' }])
})

test('a client that leaves in the middle of the answer takes its upstream request with it', async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nOK')
  })
  const { port, outcomes, ended } = await front(t, upstream.port)
  const client = await rawClient(t, port, GET)
  await client.until((received) => received.endsWith('OK'))
  client.socket.destroy()
  await upstream.allClosed()
  await ended()
  t.deepEqual(outcomes, [{ ok: false, reason: 'client-aborted', status: 200 }])
})

for (const framing of ['Transfer-Encoding: chunked', 'Content-Length: 200000']) {
  test(`an upload (${framing}) that breaks off is never whole at the upstream`, async (t) => {
    const upstream = await rawUpstream(t)
    const { port, outcomes, ended } = await front(t, upstream.port)
    const head = `POST / HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`
    const client = await rawClient(t, port, head + chunk(100_000))
    while (!upstream.connections[0]?.bytes.includes('xxx')) await new Promise(setImmediate)
    client.socket.destroy()
    await upstream.allClosed()
    await ended()
    t.is(upstream.requests().length, 0)
    t.deepEqual(outcomes, [{ ok: false, reason: 'client-aborted' }])
  })
}

test('a small upload that breaks off never reaches the upstream', async (t) => {
  const upstream = await rawUpstream(t)
  const { port, outcomes, ended } = await front(t, upstream.port)
  const client = await rawClient(
    t,
    port,
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc',
  )
  client.socket.end()
  await ended()
  t.deepEqual(outcomes, [{ ok: false, reason: 'client-aborted' }])
  t.is(upstream.connections.length, 0)
})

test('an answer before the end of the upload reaches the client, and both connections end', async (t) => {
  const upstream = await earlyUpstream('HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno')
  t.teardown(upstream.stop)
  const { port, outcomes, ended } = await front(t, upstream.port)
  const client = await rawClient(t, port, UPLOAD + chunk(100_000))
  const received = await client.until((bytes) => bytes.endsWith('no'))
  t.regex(received, /connection: close/i)
  await client.closed()
  await ended()
  await upstream.closed
  t.deepEqual(outcomes, [{ ok: true, status: 413 }])
})

test('an early answer is not lost on a client that sends on for ever', async (t) => {
  const upstream = await earlyUpstream(
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  )
  t.teardown(upstream.stop)
  const { port } = await front(t, upstream.port)
  const client = await rawClient(t, port, UPLOAD)
  const send = (): void => {
    while (!client.socket.closed && client.socket.write(chunk(16_384)));
  }
  client.socket.on('drain', send)
  send()
  await client.closed()
  t.regex(client.received(), /^HTTP\/1\.1 200 [^]*\r\n0\r\n\r\n$/)
  t.true(client.socket.bytesWritten < 32 * 1024 * 1024)
})

test('the connection of an early answer ends even when the client says no more', async (t) => {
  const upstream = await earlyUpstream('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK')
  t.teardown(upstream.stop)
  const { port, outcomes } = await front(t, upstream.port)
  const client = await rawClient(t, port, UPLOAD + chunk(10))
  await client.closed()
  t.regex(client.received(), /^HTTP\/1\.1 200 [^]*OK$/)
  t.deepEqual(outcomes, [{ ok: true, status: 200 }])
})

test('an answer that began before the end of the upload can end after it', async (t) => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (first) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
      let bytes = first.toString('latin1')
      socket.on('data', (more) => {
        bytes += more.toString('latin1')
        if (bytes.endsWith('0\r\n\r\n')) socket.write('4\r\ndone\r\n0\r\n\r\n')
      })
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port, outcomes, ended } = await front(t, (server.address() as AddressInfo).port)
  const client = await rawClient(t, port, UPLOAD + chunk(10))
  await client.until((received) => received.includes('200 OK'))
  client.socket.write(`${chunk(10)}0\r\n\r\n`)
  await client.until((received) => received.endsWith('0\r\n\r\n'))
  client.socket.destroy()
  await ended()
  t.deepEqual(outcomes, [{ ok: true, status: 200 }])
})

test('a client that stops reading is cut off after the idle time', async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n${'x'.repeat(50_000_000)}`)
  })
  const { port, outcomes, ended } = await front(t, upstream.port, { timeouts: { idle: 300 } })
  const client = await rawClient(t, port)
  client.socket.pause()
  client.socket.write(GET)
  await ended()
  await upstream.allClosed()
  t.deepEqual(outcomes, [{ ok: false, reason: 'client-stalled', status: 200 }])
})

/** An upstream that answers when the first bytes have come, whatever follows. */
async function earlyUpstream(
  answer: string,
): Promise<{ port: number; closed: Promise<void>; stop(): void }> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.once('data', () => {
      socket.write(answer)
      socket.resume()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { port, closed: promise, stop: () => server.close() }
}
