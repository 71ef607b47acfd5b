import { once } from 'node:events'
import { createServer } from 'node:http'
import { constants } from 'node:http2'
import type { AddressInfo } from 'node:net'

import test from 'ava'

import { eventually } from '../../support/eventually.ts'
import { chunk } from '../support/chunk.ts'
import { front } from '../support/front.ts'
import { exchange, rawClient } from '../support/raw-client.ts'
import { http2Upstream } from './support/http2-upstream.ts'
import { FRAMES, rawHttp2Upstream } from './support/raw-http2-upstream.ts'

const GET = 'GET / HTTP/1.1\r\nHost: api.example\r\n\r\n'
const UPLOAD = 'POST /up HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'
const H2 = { protocol: 'h2' } as const

test('a request arrives as a stream, with its Host as authority and nothing of the connection', async (t) => {
  const upstream = await http2Upstream(t)
  const { port, outcomes, ended } = await front(t, upstream.port, H2)
  const lines =
    'Host: API.example:8443\r\nCookie: a\r\nCookie: b\r\nX-Odd: \u00E9\r\nTE: trailers, gzip'
  const head = `GET /a/%c3%a9?q=//.. HTTP/1.1\r\n${lines}\r\nConnection: keep-alive, x-hop\r\nX-Hop: 1\r\n\r\n`
  const answer = await exchange(t, port, Buffer.from(head, 'latin1'))
  t.is(answer.status, 200)
  t.is(answer.body, 'OK')
  await ended()
  t.deepEqual(outcomes, [{ ok: true, status: 200 }])
  const [seen] = upstream.seen
  t.true(seen?.ended)
  t.deepEqual(Object.fromEntries(Object.entries(seen?.headers ?? {})), {
    ':method': 'GET',
    ':path': '/a/%c3%a9?q=//..',
    ':scheme': 'http',
    ':authority': 'API.example:8443',
    cookie: 'a; b',
    'x-odd': '\u00E9',
    te: 'trailers',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'API.example:8443',
    'x-client-id': 'proven',
  })
})

for (const size of [1, 65_536, 65_537, 1_000_000]) {
  test(`a body of ${size} bytes keeps its length, and one without a length has none`, async (t) => {
    const upstream = await http2Upstream(t, (stream, seen) => {
      stream.on('end', () => {
        stream.respond({ ':status': 200 })
        stream.end(String(seen.body.length))
      })
    })
    const { port } = await front(t, upstream.port, H2)
    const body = 'x'.repeat(size)
    const sized = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n${body}`
    t.is((await exchange(t, port, sized)).body, String(size))
    t.is((await exchange(t, port, `${UPLOAD}${chunk(size)}0\r\n\r\n`)).body, String(size))
    t.deepEqual(
      upstream.seen.map(({ headers }) => headers['content-length']),
      [String(size), undefined],
    )
  })
}

test('many requests at once share one connection', async (t) => {
  const upstream = await http2Upstream(t, (stream, { headers }) => {
    stream.respond({ ':status': 200 })
    stream.end(headers[':path'])
  })
  const { port } = await front(t, upstream.port, H2)
  const paths = Array.from({ length: 50 }, (_, i) => `/${i}`)
  const answers = await Promise.all(paths.map((path) => exchange(t, port, GET.replace('/', path))))
  t.deepEqual(
    answers.map(({ body }) => body),
    paths,
  )
  t.is(upstream.sessions.length, 1)
})

test('when the streams of a connection are exhausted another one is opened, and then requests wait', async (t) => {
  const upstream = await http2Upstream(t, () => undefined, {
    server: { settings: { maxConcurrentStreams: 2 } },
  })
  const { port, ended } = await front(t, upstream.port, { ...H2, connections: 2 })
  const clients = await Promise.all(
    Array.from({ length: 5 }, (_, i) => rawClient(t, port, GET.replace('/', `/${i}`))),
  )
  await upstream.until(() => upstream.seen.length === 4)
  t.is(upstream.sessions.length, 2)
  const [first] = upstream.seen
  first?.stream.respond({ ':status': 200 })
  first?.stream.end('OK')
  await upstream.until(() => upstream.seen.length === 5)
  for (const { stream } of upstream.seen.slice(1)) {
    stream.respond({ ':status': 200 })
    stream.end('OK')
  }
  await Promise.all(clients.map((client) => client.until((bytes) => bytes.includes('200 OK'))))
  await ended(5)
  t.is(upstream.sessions.length, 2)
})

test('both directions flow at once', async (t) => {
  const upstream = await http2Upstream(t, (stream) => {
    stream.respond({ ':status': 200 })
    stream.pipe(stream)
  })
  const { port, outcomes, ended } = await front(t, upstream.port, H2)
  const client = await rawClient(t, port, UPLOAD)
  for (const piece of ['one', 'two', 'three']) {
    client.socket.write(`${piece.length}\r\n${piece}\r\n`)
    await client.until((received) => received.endsWith(`\r\n${piece}\r\n`))
  }
  client.socket.write('0\r\n\r\n')
  await client.until((received) => received.endsWith('0\r\n\r\n'))
  client.socket.destroy()
  await ended()
  t.deepEqual(outcomes, [{ ok: true, status: 200 }])
})

test('trailers of the answer reach a client that takes them, but none that could mislead it', async (t) => {
  const upstream = await http2Upstream(t, (stream) => {
    stream.respond({ ':status': 200, trailer: 'x-sum, content-length' }, { waitForTrailers: true })
    stream.on('wantTrailers', () => {
      const misleading = { 'set-cookie': 'a=1', 'x-request-id': 'theirs', 'content-type': 'x/y' }
      stream.sendTrailers({ 'x-sum': '42', 'x-more': 'y', ...misleading })
    })
    stream.end('OK')
  })
  const responseHeaders = ['x-request-id', 'ours']
  const { port } = await front(t, upstream.port, { ...H2, responseHeaders })
  const client = await rawClient(t, port, GET)
  const received = await client.until((bytes) => bytes.endsWith('\r\n\r\n') && bytes.includes('OK'))
  t.regex(received, /\r\ntrailer: x-sum\r\n/)
  t.regex(received, /\r\n0\r\nx-sum: 42\r\nx-more: y\r\n\r\n$/)
})

test('a client that takes no trailers gets the answer without them', async (t) => {
  const upstream = await http2Upstream(t, (stream) => {
    stream.respond({ ':status': 200 }, { waitForTrailers: true })
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }))
    stream.end('OK')
  })
  const { port } = await front(t, upstream.port, H2)
  const plain = await rawClient(t, port, GET)
  t.regex(await plain.until((bytes) => bytes.endsWith('0\r\n\r\n')), /OK\r\n0\r\n\r\n$/)
  const taking = await rawClient(t, port, GET.replace('Host', 'TE: trailers\r\nHost'))
  const received = await taking.until((bytes) => bytes.endsWith('42\r\n\r\n'))
  t.regex(received, /OK\r\n0\r\nx-sum: 42\r\n\r\n$/)
})

test('early hints are handed on, other interim answers are not', async (t) => {
  const upstream = await http2Upstream(t, (stream) => {
    stream.additionalHeaders({ ':status': 102 })
    stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' })
    stream.respond({ ':status': 200 })
    stream.end('OK')
  })
  const { port } = await front(t, upstream.port, H2)
  const client = await rawClient(t, port, GET)
  const received = await client.until((bytes) => bytes.endsWith('0\r\n\r\n'))
  t.regex(
    received,
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a\.css>; rel=preload\r\n\r\nHTTP\/1\.1 200 /,
  )
})

test('a client that leaves takes its stream with it, and the connection stays', async (t) => {
  const upstream = await http2Upstream(t, () => undefined)
  const { port, outcomes, ended } = await front(t, upstream.port, H2)
  const client = await rawClient(t, port, GET)
  const seen = await upstream.until(() => upstream.seen[0])
  client.socket.destroy()
  await ended()
  t.deepEqual(outcomes, [{ ok: false, reason: 'client-aborted' }])
  t.is(await upstream.until(() => seen.cancelled), constants.NGHTTP2_CANCEL)
  t.false(upstream.sessions[0]?.destroyed)
})

test('an upload that breaks off is never whole at the upstream', async (t) => {
  const upstream = await http2Upstream(t, () => undefined)
  const { port, outcomes, ended } = await front(t, upstream.port, H2)
  const client = await rawClient(t, port, UPLOAD + chunk(10_000))
  const seen = await upstream.until(() => upstream.seen.find(({ body }) => body.length === 10_000))
  client.socket.destroy()
  await ended()
  t.is(await upstream.until(() => seen.cancelled), constants.NGHTTP2_CANCEL)
  t.false(seen.ended)
  t.deepEqual(outcomes, [{ ok: false, reason: 'client-aborted' }])
})

test('an answer before the end of the upload reaches the client, and the stream ends', async (t) => {
  const upstream = await http2Upstream(t, (stream) => {
    stream.respond({ ':status': 413 })
    stream.end('no')
  })
  const { port, outcomes, ended } = await front(t, upstream.port, H2)
  const client = await rawClient(t, port, UPLOAD + chunk(100_000))
  await client.until((bytes) => bytes.includes('no'))
  await client.closed()
  await ended()
  t.deepEqual(outcomes, [{ ok: true, status: 413 }])
  t.true(await upstream.until(() => upstream.seen[0]?.stream.closed))
  t.false(upstream.seen[0]?.ended)
})

test('a stream that breaks off in the middle of an answer never looks whole', async (t) => {
  const upstream = await http2Upstream(t, (stream) => {
    stream.respond({ ':status': 200 })
    stream.write('OK', () => stream.destroy(new Error('broken')))
  })
  const { port, outcomes, ended } = await front(t, upstream.port, H2)
  const client = await rawClient(t, port, GET)
  await client.closed()
  await ended()
  t.notRegex(client.received(), /\r\n0\r\n/)
  t.like(outcomes[0], { ok: false, reason: 'upstream-reset', status: 200 })
})

for (const [name, code] of [
  ['NO_ERROR', 0],
  ['CANCEL', 8],
] as const) {
  test(`a stream that is reset with ${name} before its end never looks whole`, async (t) => {
    const upstream = await rawHttp2Upstream(t, (socket, stream) => {
      socket.write(FRAMES.head(stream))
      socket.write(FRAMES.data(stream, 'OK'))
      socket.write(FRAMES.reset(stream, code))
    })
    const { port, outcomes, ended } = await front(t, upstream.port, H2)
    const client = await rawClient(t, port, GET)
    await client.closed()
    await ended()
    t.notRegex(client.received(), /\r\n0\r\n/)
    t.like(outcomes[0], { ok: false, reason: 'upstream-reset', status: 200 })
  })
}

test('of an upload that breaks off no end is sent, only a reset', async (t) => {
  const upstream = await rawHttp2Upstream(t, () => undefined)
  const { port, ended } = await front(t, upstream.port, H2)
  const client = await rawClient(t, port, UPLOAD + chunk(10))
  await eventually(() => upstream.frames[0]?.find((frame) => frame === 'DATA 1'))
  client.socket.destroy()
  await ended()
  await eventually(() => upstream.frames[0]?.find((frame) => frame === 'RST_STREAM 1'))
  t.deepEqual(
    upstream.frames[0]?.filter((frame) => frame.endsWith('end')),
    [],
  )
})

test('an upstream that does not answer in time is a 504, and one that falls silent is cut off', async (t) => {
  const upstream = await http2Upstream(t, (stream, { headers }) => {
    if (headers[':path'] === '/') return
    stream.respond({ ':status': 200 })
    stream.write('OK')
  })
  const timeouts = { headers: 100, idle: 100 }
  const { port, outcomes, ended } = await front(t, upstream.port, { ...H2, timeouts })
  t.is((await exchange(t, port, GET)).status, 504)
  const client = await rawClient(t, port, GET.replace('/', '/x'))
  await client.closed()
  await ended(2)
  t.like(outcomes[0], { reason: 'upstream-timeout', status: 504 })
  t.like(outcomes[1], { reason: 'upstream-timeout', status: 200 })
  t.is(upstream.sessions.length, 1)
})

test('a server that speaks HTTP/1.1 only is a 502', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port: upstreamPort } = server.address() as AddressInfo
  const { port, outcomes, ended } = await front(t, upstreamPort, {
    ...H2,
    timeouts: { connect: 500 },
  })
  t.is((await exchange(t, port, GET)).status, 502)
  await ended()
  t.like(outcomes[0], { reason: 'upstream-bad-response' })
})

const REFUSALS: Readonly<Record<string, (stream: number) => Buffer>> = {
  'GOAWAY without an error': (stream) => FRAMES.goaway(stream - 1, 0),
  'GOAWAY with an error': (stream) => FRAMES.goaway(stream - 1, 11),
  'RST_STREAM with REFUSED_STREAM': (stream) => FRAMES.reset(stream, 7),
}

for (const [what, refusal] of Object.entries(REFUSALS)) {
  test(`a request that was not looked at, says ${what}, is sent once more`, async (t) => {
    let refused = false
    const upstream = await rawHttp2Upstream(t, (socket, stream) => {
      socket.write(refused ? FRAMES.head(stream, true) : refusal(stream))
      refused = true
    })
    const { port, outcomes, ended } = await front(t, upstream.port, H2)
    const body = 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody'
    t.is((await exchange(t, port, body)).status, 200)
    await ended()
    t.deepEqual(outcomes, [{ ok: true, status: 200 }])
  })
}

test('a request that may have been looked at is not sent once more', async (t) => {
  const upstream = await rawHttp2Upstream(t, (socket, stream) => {
    socket.write(FRAMES.goaway(stream, 2))
  })
  const { port, outcomes, ended } = await front(t, upstream.port, H2)
  t.is((await exchange(t, port, GET)).status, 502)
  await ended()
  t.like(outcomes[0], { reason: 'upstream-reset' })
  t.is(upstream.frames.flat().filter((frame) => frame.startsWith('HEADERS')).length, 1)
})

for (const [method, status] of [
  ['GET', 200],
  ['POST', 502],
] as const) {
  test(`${method} is answered ${status} when a kept connection breaks under it`, async (t) => {
    let isFirst = true
    const upstream = await http2Upstream(t, (stream, { headers }) => {
      if (headers[':path'] === '/x' && isFirst) {
        isFirst = false
        stream.session?.socket.destroy()
        return
      }
      stream.respond({ ':status': 200 })
      stream.end('OK')
    })
    const { port } = await front(t, upstream.port, H2)
    await exchange(t, port, GET)
    t.is((await exchange(t, port, `${method} /x HTTP/1.1\r\nHost: a\r\n\r\n`)).status, status)
  })
}

test('a new connection that breaks under a request is not tried again', async (t) => {
  const upstream = await http2Upstream(t, (stream) => {
    stream.session?.socket.destroy()
  })
  const { port } = await front(t, upstream.port, H2)
  t.is((await exchange(t, port, GET)).status, 502)
  t.is(upstream.seen.length, 1)
})

test('closing lets what is under way end, and takes no more', async (t) => {
  const upstream = await http2Upstream(t, () => undefined)
  const { port, forwarder } = await front(t, upstream.port, H2)
  const client = await rawClient(t, port, GET)
  const seen = await upstream.until(() => upstream.seen[0])
  const closed = forwarder.close()
  t.is((await exchange(t, port, GET)).status, 503)
  seen.stream.respond({ ':status': 200 })
  seen.stream.end('OK')
  await client.until((received) => received.includes('OK'))
  await closed
  t.pass()
})

test('closing cuts off what takes longer than the grace', async (t) => {
  const upstream = await http2Upstream(t, () => undefined)
  const { port, forwarder } = await front(t, upstream.port, H2)
  const client = await rawClient(t, port, GET)
  await upstream.until(() => upstream.seen[0])
  await forwarder.close(10)
  t.regex(await client.until((received) => received.endsWith('}')), /^HTTP\/1\.1 50[23] /)
})
