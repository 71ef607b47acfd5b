import { once } from 'node:events'

import test from 'ava'

import { chunk } from './support/chunk.ts'
import { freePort } from './support/free-port.ts'
import { front } from './support/front.ts'
import { exchange, rawClient } from './support/raw-client.ts'
import { readMessages } from './support/read-messages.ts'
import { rawUpstream } from './support/raw-upstream.ts'

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK'
const UPLOAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'

test('an upstream that refuses the connection is a 502 in problem details, with our header lines', async (t) => {
  const responseHeaders = ['x-request-id', 'id']
  const { port, outcomes, ended } = await front(t, await freePort(), { responseHeaders })
  const answer = await exchange(t, port, GET)
  await ended()
  t.is(answer.status, 502)
  t.deepEqual(answer.values('content-type'), ['application/problem+json'])
  t.deepEqual(answer.values('x-request-id'), ['id'])
  t.deepEqual(JSON.parse(answer.body), { type: 'about:blank', title: 'Bad Gateway', status: 502 })
  t.like(outcomes[0], { ok: false, reason: 'upstream-refused', status: 502 })
})

test('an upload that finds no upstream gets its 502 too', async (t) => {
  const { port, outcomes, ended } = await front(t, await freePort())
  const client = await rawClient(t, port, UPLOAD + chunk(100_000))
  const received = await client.until((bytes) => bytes.endsWith('}'))
  await client.closed()
  await ended()
  t.regex(received, /^HTTP\/1\.1 502 [^]*connection: close/i)
  t.like(outcomes[0], { reason: 'upstream-refused', status: 502 })
})

test('an upstream that hangs up before it answers is a 502', async (t) => {
  const upstream = await rawUpstream(t, (socket) => socket.resetAndDestroy())
  const { port, outcomes, ended } = await front(t, upstream.port)
  t.is((await exchange(t, port, GET)).status, 502)
  await ended()
  t.like(outcomes[0], { reason: 'upstream-reset' })
})

test('an upstream that does not answer in time is a 504', async (t) => {
  const upstream = await rawUpstream(t, () => undefined)
  const { port, outcomes, ended } = await front(t, upstream.port, { timeouts: { headers: 100 } })
  t.is((await exchange(t, port, GET)).status, 504)
  await ended()
  await upstream.allClosed()
  t.like(outcomes[0], { reason: 'upstream-timeout' })
})

test('an upstream that falls silent in the middle of an answer is cut off', async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nOK')
  })
  const { port, outcomes, ended } = await front(t, upstream.port, { timeouts: { idle: 100 } })
  const client = await rawClient(t, port, GET)
  await client.closed()
  await ended()
  await upstream.allClosed()
  t.regex(client.received(), /\r\n\r\nOK$/)
  t.like(outcomes[0], { ok: false, reason: 'upstream-timeout', status: 200 })
})

const INVALID: Readonly<Record<string, string>> = {
  'two framings': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\nOK',
  'two lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nOKK',
  'a length that is none': 'HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nOK',
  'a list of lengths': 'HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nOK',
  'another coding':
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n',
  'a coding that does not end': 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nOK',
  'a bare CR': 'HTTP/1.1 200 OK\r\nX: a\rY: b\r\nContent-Length: 2\r\n\r\nOK',
  'a NUL': 'HTTP/1.1 200 OK\r\nX: a\u0000\r\nContent-Length: 2\r\n\r\nOK',
  'a blank before the colon': 'HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nOK',
  'an endless head': `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(100_000)}\r\n\r\n`,
  'no HTTP': 'SSH-2.0-OpenSSH\r\n\r\n',
  'a protocol that nobody asked for':
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
  '100 that nobody asked for': `HTTP/1.1 100 Continue\r\n\r\n${OK}`,
}

for (const [what, bytes] of Object.entries(INVALID)) {
  test(`an answer with ${what} is a 502, and its connection is not used again`, async (t) => {
    const upstream = await rawUpstream(t, (socket) => socket.write(bytes, 'latin1'))
    const { port, outcomes, ended } = await front(t, upstream.port)
    t.is((await exchange(t, port, GET)).status, 502)
    await ended()
    await upstream.allClosed()
    t.like(outcomes[0], { reason: 'upstream-bad-response' })
  })
}

const TRUNCATED: Readonly<Record<string, string>> = {
  'a length': 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nOK',
  chunks: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n',
}

for (const [framing, bytes] of Object.entries(TRUNCATED)) {
  test(`an answer framed by ${framing} that breaks off never looks whole`, async (t) => {
    const upstream = await rawUpstream(t, (socket) => socket.end(bytes))
    const { port, outcomes, ended } = await front(t, upstream.port)
    const client = await rawClient(t, port, GET)
    await client.closed()
    await ended()
    t.is(readMessages(client.received()).messages.length, 0)
    t.false(outcomes[0]?.ok)
  })
}

test('an answer that breaks off is reset for HTTP/1.0, where closing would end it well', async (t) => {
  const upstream = await rawUpstream(t, (socket) => socket.end(TRUNCATED['chunks'] ?? ''))
  const { port } = await front(t, upstream.port)
  const client = await rawClient(t, port, GET.replace('1.1', '1.0'))
  const [error] = (await once(client.socket, 'error')) as [NodeJS.ErrnoException]
  t.is(error.code, 'ECONNRESET')
})
