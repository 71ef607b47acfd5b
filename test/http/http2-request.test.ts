import { once } from 'node:events'
import { connect } from 'node:http2'

import test from 'ava'

import type { ClientRequest } from '../../src/http/client-message.ts'
import { connectionOf, headLines } from '../../src/http/client-message.ts'
import { eventually } from '../support/eventually.ts'
import {
  block,
  CODE,
  codeOf,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  isAnswer,
  isReset,
  openRawHttp2,
  request,
  reset,
} from '../support/raw-http2.ts'
import type { Line } from '../support/raw-http2.ts'
import { listen } from './support/listen.ts'

test('a request over HTTP/2 reads like one over HTTP/1.1', async (t) => {
  const seen: ClientRequest[] = []
  const { port, authorities } = await listen(t, {}, (received, response) => {
    seen.push(received)
    response.end()
  })
  const raw = await openRawHttp2(t, port, { ca: authorities.rootCa.pem })
  const lines: Line[] = [
    ['cookie', 'a=1'],
    ['x-several', 'one'],
    ['te', 'trailers'],
    ['cookie', 'b=2'],
    ['x-several', 'two'],
    ['host', 'API.test:8443'],
    ['cookie', 'c=3'],
  ]
  raw.write(request(1, lines, { path: '/a?b=%20', authority: 'api.test:8443' }))
  await raw.until(isAnswer(1))
  const [one] = seen
  t.is(one?.method, 'GET')
  t.is(one?.url, '/a?b=%20')
  t.is(one?.httpVersion, '2.0')
  t.true(one?.complete)
  t.deepEqual(one && headLines(one), [
    'host',
    'api.test:8443',
    'cookie',
    'a=1; b=2; c=3',
    'x-several',
    'one',
    'te',
    'trailers',
    'x-several',
    'two',
  ])
  t.like(one?.headers, { host: 'api.test:8443', cookie: 'a=1; b=2; c=3', 'x-several': 'one, two' })
  t.false(Object.keys(one?.headers ?? {}).some((name) => name.startsWith(':')))
})

test('all requests of a connection have the one socket, which outlives them', async (t) => {
  const sockets = new Set<unknown>()
  const seen: ClientRequest[] = []
  const { port, authorities } = await listen(t, {}, (received, response) => {
    sockets.add(connectionOf(received))
    seen.push(received)
    response.end()
  })
  const raw = await openRawHttp2(t, port, { ca: authorities.rootCa.pem })
  raw.write(request(1), request(3))
  await raw.until(isAnswer(3))
  t.is(sockets.size, 1)
  const [first, second] = seen as [ClientRequest, ClientRequest]
  const gone = once(connectionOf(first), 'close')
  raw.socket.destroy()
  await gone
  t.is(connectionOf(first), connectionOf(second))
})

test('a body without a length is one of unknown length, and without a body there is none', async (t) => {
  const seen: ClientRequest['headers'][] = []
  const { port, authorities } = await listen(t, {}, (received, response) => {
    seen.push(received.headers)
    response.end()
  })
  const raw = await openRawHttp2(t, port, { ca: authorities.rootCa.pem })
  raw.write(request(1, [], { method: 'POST', body: true }))
  await raw.until(isAnswer(1))
  raw.write(request(3, [['content-length', '5']], { method: 'POST', body: true }))
  await raw.until(isAnswer(3))
  raw.write(request(5, [], { method: 'POST' }))
  await raw.until(isAnswer(5))
  t.deepEqual(
    seen.map((headers) => [headers['transfer-encoding'], headers['content-length']]),
    [
      ['chunked', undefined],
      [undefined, '5'],
      [undefined, undefined],
    ],
  )
})

const PSEUDO: Line[] = [
  [':method', 'POST'],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', '/'],
]
const instead = (name: string, value: string): Line[] =>
  PSEUDO.map((line) => (line[0] === name ? [name, value] : line))
const without = (name: string): Line[] => PSEUDO.filter((line) => line[0] !== name)

const REFUSED: Readonly<Record<string, readonly Line[]>> = {
  'a name in upper case': [...PSEUDO, ['X-Client-Id', 'admin']],
  connection: [...PSEUDO, ['connection', 'x-client-id']],
  'transfer-encoding': [...PSEUDO, ['transfer-encoding', 'chunked']],
  upgrade: [...PSEUDO, ['upgrade', 'websocket']],
  'keep-alive': [...PSEUDO, ['keep-alive', 'timeout=5']],
  'proxy-connection': [...PSEUDO, ['proxy-connection', 'close']],
  'te other than trailers': [...PSEUDO, ['te', 'gzip']],
  'two hosts': [...PSEUDO, ['host', 'a'], ['host', 'b']],
  'two lengths': [...PSEUDO, ['content-length', '5'], ['content-length', '5']],
  'a length that is no number': [...PSEUDO, ['content-length', '+5']],
  'a length without a body': [...PSEUDO, ['content-length', '5']],
  'no path': without(':path'),
  'no method': without(':method'),
  'no scheme': without(':scheme'),
  'neither authority nor host': without(':authority'),
  'an empty path': instead(':path', ''),
  'a path in absolute form': instead(':path', 'http://elsewhere.test/'),
  'a path with a space': instead(':path', '/a b'),
  'a path with line breaks': instead(':path', '/\r\nx-client-id: admin\r\n'),
  'a method with a space': instead(':method', 'GET /admin'),
  'a user in the authority': instead(':authority', 'user:secret@localhost/#?'),
  'another scheme, whose paths mean something else': [
    ...instead(':scheme', 'ftp').filter(([name]) => name !== ':path'),
    [':path', 'http://elsewhere.test/'],
  ],
  'a pseudo-header twice': [...PSEUDO, [':path', '/admin']],
  'an unknown pseudo-header': [...PSEUDO, [':client-id', 'admin']],
  'a pseudo-header of answers': [...PSEUDO, [':status', '200']],
  'a pseudo-header after another line': [['x-a', 'b'], ...PSEUDO],
  'a protocol to connect to': [...instead(':method', 'CONNECT'), [':protocol', 'websocket']],
}

for (const [what, lines] of Object.entries(REFUSED)) {
  test(`refused before anything sees it: ${what}`, async (t) => {
    let heard = 0
    const { port, authorities } = await listen(t, {}, (_request, response) => {
      heard++
      response.end()
    })
    const raw = await openRawHttp2(t, port, { ca: authorities.rootCa.pem })
    raw.write(frame(FRAME.headers, END_HEADERS | END_STREAM, 1, block(lines)))
    const answer = await raw.until(isReset(1))
    t.is(answer && codeOf(answer), CODE.protocol)
    t.is(heard, 0)
  })
}

test('a line with CR, LF or NUL goes nowhere', async (t) => {
  let lines: readonly string[] = []
  const { port, authorities } = await listen(t, {}, (received, response) => {
    lines = headLines(received)
    response.end()
  })
  const raw = await openRawHttp2(t, port, { ca: authorities.rootCa.pem })
  const odd: Line[] = [
    ['x-a', 'a\r\nx-client-id: admin'],
    ['x-b', 'a\nb'],
    ['x-c', 'a\0b'],
    ['x d', 'name'],
    ['x-e\r\nx-client-id', 'admin'],
    ['x-f:', 'name'],
  ]
  raw.write(request(1, [...odd, ['x-after', '1']]))
  await raw.until(isAnswer(1))
  t.deepEqual(lines, ['host', 'localhost', 'x-after', '1'])
})

const CUT_OFF: Readonly<Record<string, (raw: Awaited<ReturnType<typeof openRawHttp2>>) => void>> = {
  'reset with CANCEL': (raw) => raw.write(reset(1, CODE.cancel)),
  'reset with NO_ERROR': (raw) => raw.write(reset(1, CODE.none)),
  'the connection goes away': (raw) => raw.socket.destroy(),
  'less than its content-length': (raw) => raw.write(frame(FRAME.data, END_STREAM, 1, 'more')),
  'trailers with a pseudo-header': (raw) =>
    raw.write(frame(FRAME.headers, END_HEADERS | END_STREAM, 1, block([[':path', '/admin']]))),
}

for (const method of ['POST', 'HEAD']) {
  for (const [how, cut] of Object.entries(CUT_OFF)) {
    test(`the body of a ${method} that is cut off does not end: ${how}`, async (t) => {
      const { promise: began, resolve: begin } = Promise.withResolvers<ClientRequest>()
      let ended = false
      const { port, authorities } = await listen(t, {}, (received) => {
        received.on('data', () => begin(received)).on('end', () => (ended = true))
      })
      const raw = await openRawHttp2(t, port, { ca: authorities.rootCa.pem })
      raw.write(request(1, [['content-length', '10']], { method, body: true }))
      raw.write(frame(FRAME.data, 0, 1, 'hello'))
      const received = await began
      const gone = once(received, 'close')
      cut(raw)
      await gone
      received.resume()
      await new Promise((next) => setImmediate(next))
      t.false(ended)
      t.false(received.complete)
    })
  }
}

test('a body that arrives whole ends, and is complete then', async (t) => {
  const { port, authorities } = await listen(t, {}, (received, response) => {
    const chunks: Buffer[] = []
    t.false(received.complete)
    received.on('data', (chunk: Buffer) => chunks.push(chunk))
    received.on('end', () => {
      response.writeHead(200, ['x-complete', String(received.complete)])
      response.end(Buffer.concat(chunks))
    })
  })
  const session = connect(`https://localhost:${port}`, { ca: authorities.rootCa.pem })
  t.teardown(() => session.destroy())
  const body = Buffer.alloc(1_000_000, 'abc')
  const stream = session.request({ ':method': 'POST', ':path': '/' })
  stream.end(body)
  const [headers] = (await once(stream, 'response')) as [Record<string, unknown>]
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk as Buffer)
  t.is(headers['x-complete'], 'true')
  t.true(Buffer.concat(chunks).equals(body))
})

test('more than its content-length ends the connection', async (t) => {
  let ended = false
  const { port, authorities, refused } = await listen(t, {}, (received) => {
    received.on('end', () => (ended = true)).resume()
  })
  const raw = await openRawHttp2(t, port, { ca: authorities.rootCa.pem })
  raw.write(request(1, [['content-length', '3']], { method: 'POST', body: true }))
  raw.write(frame(FRAME.data, END_STREAM, 1, 'hello'))
  await raw.closed()
  const one = await eventually(() => refused[0])
  t.like(one, { reason: 'http2-protocol', remoteAddress: '127.0.0.1' })
  t.false(ended)
})
