import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

import test from 'ava'

import { pki } from '../support/pki.ts'
import { createForwarder } from '../../src/gateway/forward.ts'
import { front } from './support/front.ts'
import { exchange, rawClient } from './support/raw-client.ts'
import { readMessages } from './support/read-messages.ts'
import { rawUpstream } from './support/raw-upstream.ts'

const GET = 'GET / HTTP/1.1\r\nHost: api.example\r\n\r\n'

test('a request arrives as it was sent, with what we say of it, on a kept connection', async (t) => {
  const upstream = await rawUpstream(t)
  const { port } = await front(t, upstream.port)
  const target = '/a/caf%c3%a9/?q=//..%2f&x[]=1'
  const lines = 'Host: API.example:8443\r\nX-Odd: \u00E9 "\r\nCookie: a\r\nCOOKIE: b\r\n'
  await exchange(t, port, `GET ${target} HTTP/1.1\r\n${lines}\r\n`)
  const [request] = upstream.requests()
  t.is(request?.startLine, `GET ${target} HTTP/1.1`)
  t.deepEqual(
    request?.headers,
    [
      ['host', 'API.example:8443', 'connection', 'keep-alive', 'X-Odd', '\u00E9 "'],
      ['Cookie', 'a', 'COOKIE', 'b', 'x-forwarded-for', '127.0.0.1'],
      ['x-forwarded-proto', 'https', 'x-forwarded-host', 'API.example:8443'],
      ['X-Client-Id', 'proven'],
    ].flat(),
  )
})

test("an answer arrives without the connection's headers and the reason phrase", async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    const lines = [
      ['HTTP/1.1 299 Whatever <they> say', 'Content-Length: 5', 'Set-Cookie: a=1', 'X-Hop: 1'],
      ['Set-Cookie: b=2', 'Connection: X-HOP, keep-alive', 'Keep-Alive: timeout=99'],
      ['Proxy-Authenticate: Basic', 'Trailer: X', 'TE: x', 'X-Kept: \u00E9'],
    ].flat()
    socket.write(`${lines.join('\r\n')}\r\n\r\nhello`, 'latin1')
  })
  const { port } = await front(t, upstream.port)
  const answer = await exchange(t, port, GET)
  t.notRegex(answer.startLine, /Whatever/)
  t.is(answer.status, 299)
  t.is(answer.body, 'hello')
  t.deepEqual(answer.values('set-cookie'), ['a=1', 'b=2'])
  t.deepEqual(answer.values('x-kept'), ['\u00E9'])
  for (const name of ['x-hop', 'proxy-authenticate', 'trailer', 'te']) {
    t.deepEqual(answer.values(name), [])
  }
  t.notRegex(answer.values('keep-alive').join(''), /99/)
})

test('our header lines for the client replace those of the upstream', async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nX-REQUEST-ID: theirs\r\nContent-Length: 0\r\n\r\n')
  })
  const { port } = await front(t, upstream.port, { responseHeaders: ['x-request-id', 'ours'] })
  t.deepEqual((await exchange(t, port, GET)).values('x-request-id'), ['ours'])
})

test('headers set on the response before are kept beside repeated ones of the upstream', async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n')
  })
  const { port } = await front(t, upstream.port, {
    before: (_request, response) => response.setHeader('connection', 'close'),
  })
  const answer = await exchange(t, port, GET)
  t.deepEqual(answer.values('set-cookie'), ['a', 'b'])
  t.deepEqual(answer.values('connection'), ['close'])
})

const BODILESS: readonly (readonly [method: string, head: string, length: string[]])[] = [
  ['HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', ['5']],
  ['HEAD', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', []],
  ['GET', 'HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n', []],
  ['GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n', ['5']],
]

for (const [method, head, length] of BODILESS) {
  test(`${method} answered ${JSON.stringify(head)} has no body, and the connection goes on`, async (t) => {
    const upstream = await rawUpstream(t, (socket, request) => {
      socket.write(request.target === '/' ? head : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK')
    })
    const { port } = await front(t, upstream.port)
    const client = await rawClient(t, port, GET.replace('GET', method))
    await client.until((received) => received.includes('\r\n\r\n'))
    client.socket.write(GET.replace('/', '/next'))
    const received = await client.until((bytes) => bytes.endsWith('OK'))
    const { messages, rest } = readMessages(received, [method, 'GET'])
    t.deepEqual(messages[0]?.values('content-length'), length)
    t.is(messages[1]?.body, 'OK')
    t.is(rest, '')
  })
}

const BODIES: readonly (readonly [method: string, size: number])[] = [
  'POST',
  'DELETE',
  'GET',
].flatMap((method) => [1, 65_536, 65_537, 300_000].map((size) => [method, size] as const))

for (const [method, size] of BODIES) {
  test(`${method} with ${size} bytes keeps its length, and chunked stays chunked`, async (t) => {
    const upstream = await rawUpstream(t)
    const { port } = await front(t, upstream.port)
    const body = randomBytes(size).toString('latin1')
    const head = `${method} /x HTTP/1.1\r\nHost: a\r\n`
    const chunk = `${size.toString(16)}\r\n${body}\r\n0\r\n\r\n`
    await exchange(t, port, Buffer.from(`${head}Content-Length: ${size}\r\n\r\n${body}`, 'latin1'))
    const chunked = `${head}Transfer-Encoding: chunked\r\n\r\n${chunk}`
    await exchange(t, port, Buffer.from(chunked, 'latin1'))
    const [sized, unsized] = upstream.requests()
    t.deepEqual(sized?.values('content-length'), [String(size)])
    t.true(sized?.body === body && unsized?.body === body)
    t.is(upstream.requests().length, 2)
  })
}

test('a client that expects 100-continue is told so and sends its identity no further', async (t) => {
  const upstream = await rawUpstream(t)
  const { port } = await front(t, upstream.port)
  const lines = 'Expect: 100-continue\r\nX-Client-Id: forged\r\nContent-Length: 4'
  const client = await rawClient(t, port, `POST / HTTP/1.1\r\nHost: a\r\n${lines}\r\n\r\n`)
  await client.until((received) => received.startsWith('HTTP/1.1 100 '))
  client.socket.write('body')
  await client.until((received) => received.endsWith('OK'))
  const [request] = upstream.requests()
  t.deepEqual(request?.values('x-client-id'), ['proven'])
  t.deepEqual(request?.values('expect'), [])
  t.is(request?.body, 'body')
})

test('early hints are handed on, other interim answers are not', async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    socket.write('HTTP/1.1 102 Processing\r\n\r\n')
    socket.write('HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nSet-Cookie: a\r\n')
    socket.write('Connection: x-hop\r\nX-Hop: 1\r\nX-Request-Id: theirs\r\nTrailer: x\r\n\r\n')
    socket.write('HTTP/1.1 103 Early Hints\r\nX-Nothing: 1\r\n\r\n')
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK')
  })
  const { port } = await front(t, upstream.port, { responseHeaders: ['x-request-id', 'ours'] })
  const client = await rawClient(t, port, GET)
  const received = await client.until((bytes) => bytes.endsWith('OK'))
  const [hints = '', head = ''] = received.split('\r\n\r\n')
  t.regex(
    hints,
    /^HTTP\/1\.1 103 Early Hints\r\nLink: <\/a>; rel=preload\r\nset-cookie: a\r\nx-request-id: ours$/,
  )
  t.regex(head, /^HTTP\/1\.1 200 /)
})

test('HTTP/1.0 knows no early hints, and malformed ones are left out', async (t) => {
  const upstream = await rawUpstream(t, (socket, { target }) => {
    const link = target === '/' ? '</a>; rel=preload' : 'no link'
    socket.write(`HTTP/1.1 103 Early Hints\r\nLink: ${link}\r\n\r\n`)
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK')
  })
  const { port } = await front(t, upstream.port)
  for (const request of [GET.replace('1.1', '1.0'), GET.replace('/', '/malformed')]) {
    const client = await rawClient(t, port, request)
    t.regex(await client.until((bytes) => bytes.endsWith('OK')), /^HTTP\/1\.1 200 /)
  }
})

test('an upstream that sends interim answers for ever is a 502', async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    socket.write('HTTP/1.1 102 Processing\r\n\r\n'.repeat(1000))
  })
  const { port, outcomes, ended } = await front(t, upstream.port)
  t.is((await exchange(t, port, GET)).status, 502)
  await ended()
  t.like(outcomes[0], { reason: 'upstream-bad-response' })
})

test('trailers of a chunked answer reach a client that takes them, those of our own names do not', async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    const lines = ['X-Sum: 42', 'X-Request-Id: theirs', 'Set-Cookie: a=1']
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n')
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
  })
  const { port } = await front(t, upstream.port, { responseHeaders: ['x-request-id', 'ours'] })
  const plain = await rawClient(t, port, GET)
  t.regex(await plain.until((bytes) => bytes.endsWith('0\r\n\r\n')), /OK\r\n0\r\n\r\n$/)
  const taking = await rawClient(t, port, GET.replace('Host', 'TE: trailers\r\nHost'))
  const received = await taking.until((bytes) => bytes.endsWith('42\r\n\r\n'))
  t.regex(received, /OK\r\n0\r\nx-sum: 42\r\n\r\n$/)
})

test('the head of an answer is sent before its body begins, and each piece as it comes', async (t) => {
  let send = (_text: string): void => undefined
  const upstream = await rawUpstream(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n')
    send = (text) => socket.write(text)
  })
  const { port } = await front(t, upstream.port)
  const client = await rawClient(t, port, GET)
  await client.until((received) => received.endsWith('\r\n\r\n'))
  for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
    send(event)
    await client.until((received) => received.endsWith(`${event}\r\n`))
  }
  t.pass()
})

test('HTTP/1.0 clients get an answer that ends with the connection', async (t) => {
  const upstream = await rawUpstream(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nOK\r\n0\r\n\r\n')
  })
  const { port } = await front(t, upstream.port)
  const client = await rawClient(t, port, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n')
  await client.closed()
  t.regex(client.received(), /\r\n\r\nOK$/)
  t.notRegex(client.received(), /chunked/i)
})

test('pipelined requests are answered in order', async (t) => {
  const upstream = await rawUpstream(t, (socket, { target }) => {
    const reply = `HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`
    // the first one asked is the last one answered
    setTimeout(() => socket.write(reply), target === '/1' ? 50 : 0)
  })
  const { port } = await front(t, upstream.port)
  const paths = ['/1', '/22', '/333']
  const client = await rawClient(t, port, paths.map((path) => GET.replace('/', path)).join(''))
  const received = await client.until((bytes) => bytes.endsWith('/333'))
  t.deepEqual(
    readMessages(received).messages.map(({ body }) => body),
    paths,
  )
})

test('twenty requests at once share two connections and get their own answers', async (t) => {
  const upstream = await rawUpstream(t, (socket, { target }) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`)
  })
  const { port } = await front(t, upstream.port, { connections: 2 })
  const paths = Array.from({ length: 20 }, (_, i) => `/${i}`)
  const answers = await Promise.all(paths.map((path) => exchange(t, port, GET.replace('/', path))))
  t.deepEqual(
    answers.map(({ body }) => body),
    paths,
  )
  t.is(upstream.connections.length, 2)
})

test('an https upstream is checked against its own name, not the Host of the client', async (t) => {
  const { server, rootCa } = await pki()
  const upstream = createTlsServer({ cert: server.cert, key: server.key }, (request, response) => {
    response.end(request.headers.host)
  })
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.teardown(() => {
    upstream.closeAllConnections()
    upstream.close()
  })
  const { port } = upstream.address() as AddressInfo
  const ca = rootCa.cert
  for (const host of ['localhost', '127.0.0.1']) {
    const url = new URL(`https://${host}:${port}`)
    const trusting = await front(t, port, { upstream: url, tls: { ca } })
    t.is((await exchange(t, trusting.port, GET)).body, 'api.example')
  }
  const url = new URL(`https://127.0.0.1:${port}`)
  const doubting = await front(t, port, { upstream: url })
  t.is((await exchange(t, doubting.port, GET)).status, 502)
  t.like(doubting.outcomes[0], { reason: 'upstream-tls' })
})

test('an upstream that is more than an origin is a mistake, told without what it holds', (t) => {
  for (const target of ['http://a/b', 'ftp://a', 'http://user:secret@a', 'http://a/?x', 'unix:a']) {
    const error = t.throws(() => createForwarder({ targets: [target] }))
    t.true(error instanceof TypeError)
    t.notRegex(error?.message ?? '', /secret/)
  }
})
