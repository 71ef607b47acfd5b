import { once } from 'node:events'
import type { Socket } from 'node:net'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { connectionOf } from '../../src/http/client-message.ts'
import type { RequestListener } from '../../src/http/listener-handlers.ts'
import { eventually } from '../support/eventually.ts'
import {
  ACK,
  block,
  CODE,
  codeOf,
  END_STREAM,
  FRAME,
  frame,
  isAnswer,
  isGoaway,
  isReset,
  openRawHttp2,
  request,
  reset,
} from '../support/raw-http2.ts'
import type { Line } from '../support/raw-http2.ts'
import { listen } from './support/listen.ts'
import type { ListenSettings } from './support/listen.ts'

const answers: RequestListener = (_request, response) => {
  response.writeHead(200, [])
  response.end('hello')
}
const keepsWaiting: RequestListener = () => undefined

async function begin(
  t: ExecutionContext,
  settings: Partial<ListenSettings>,
  onRequest: RequestListener = answers,
) {
  const listening = await listen(t, settings, onRequest)
  const raw = await openRawHttp2(t, listening.port, { ca: listening.authorities.rootCa.pem })
  return { ...listening, raw }
}

test('streams over the count are turned back, and those under way go on', async (t) => {
  let heard = 0
  const { raw } = await begin(
    t,
    { http2: { enabled: true, maxConcurrentStreams: 2 } },
    (received, response) => {
      heard++
      if (received.url === '/quick') answers(received, response)
    },
  )
  raw.write(request(1), request(3), request(5), request(7))
  for (const stream of [5, 7]) {
    const turnedBack = await raw.until(isReset(stream))
    t.is(turnedBack && codeOf(turnedBack), CODE.refusedStream)
  }
  t.is(heard, 2)
  raw.write(reset(1, CODE.cancel), request(9, [], { path: '/quick' }))
  t.truthy(await raw.until(isAnswer(9)))
})

test('rapid reset: whoever resets stream after stream loses the connection (CVE-2023-44487)', async (t) => {
  let heard = 0
  const { raw, refused } = await begin(t, { maxRequestsPerConnection: 10_000 }, () => heard++)
  const flood = Array.from({ length: 3000 }, (_, index) => [
    request(2 * index + 1),
    reset(2 * index + 1, CODE.cancel),
  ])
  raw.write(...flood.flat())
  await raw.closed()
  t.true(heard < 1500, `${heard} requests`)
  const one = await eventually(() => refused[0])
  t.like(one, { reason: 'http2-protocol', remoteAddress: '127.0.0.1' })
})

const FLOODS: Readonly<Record<string, readonly Buffer[]>> = {
  'CONTINUATION without end (CVE-2024-27983)': [
    frame(FRAME.headers, 0, 1, block([['x-a', 'b']])),
    ...Array.from({ length: 1000 }, () => frame(FRAME.continuation, 0, 1)),
  ],
  'PING whose answers nobody reads (CVE-2019-9512)': Array.from({ length: 20_000 }, () =>
    frame(FRAME.ping, 0, 0, Buffer.alloc(8)),
  ),
  'SETTINGS whose answers nobody reads (CVE-2019-9515)': Array.from({ length: 20_000 }, () =>
    frame(FRAME.settings, 0, 0),
  ),
  'SETTINGS with very many entries': [
    frame(FRAME.settings, 0, 0, Buffer.alloc(6 * 1000, Buffer.from([0, 3, 0, 0, 0, 9]))),
  ],
  'an acknowledgement of settings that nobody sent': Array.from({ length: 100 }, () =>
    frame(FRAME.settings, ACK, 0),
  ),
  'frames of length nothing (CVE-2019-9518)': [
    request(1, [], { method: 'POST', body: true }),
    ...Array.from({ length: 20_000 }, () => frame(FRAME.data, 0, 1)),
  ],
  'a window that overflows': [frame(FRAME.windowUpdate, 0, 0, [0x7f, 0xff, 0xff, 0xff])],
  'a frame larger than agreed': [frame(FRAME.headers, 4, 1, Buffer.alloc(20_000))],
  'a request in the words of HTTP/1.1': [Buffer.from('GET / HTTP/1.1\r\nhost: x\r\n\r\n')],
}

for (const [what, frames] of Object.entries(FLOODS)) {
  test(`ends the connection: ${what}`, async (t) => {
    const { raw, refused } = await begin(t, {}, keepsWaiting)
    raw.socket.pause()
    raw.write(...frames)
    raw.socket.resume()
    await raw.closed()
    const one = await eventually(() => refused[0])
    t.like(one, { reason: 'http2-protocol', remoteAddress: '127.0.0.1' })
  })
}

test('a head over the limit is refused, and the connection goes on', async (t) => {
  const { raw, refused } = await begin(t, { maxHeaderSize: 2048 })
  raw.write(request(1, [['x-long', 'a'.repeat(3000)]]))
  const answer = await raw.until(isAnswer(1))
  // `:status` by its index, then the three digits
  t.is(answer?.payload.subarray(2, 5).toString(), '431')
  t.like(refused, [{ reason: 'http2-head-too-large' }])
  raw.write(request(3))
  t.truthy(await raw.until(isAnswer(3)))
})

test('very many lines end their stream, and the connection goes on', async (t) => {
  let heard = 0
  const { raw } = await begin(t, { maxHeaders: 20 }, (received, response) => {
    heard++
    answers(received, response)
  })
  const lines = Array.from({ length: 200 }, (_, index): Line => [`x-${index}`, 'a'])
  raw.write(request(1, lines))
  const end = await raw.until(isReset(1))
  t.is(end && codeOf(end), CODE.enhanceYourCalm)
  t.is(heard, 0)
  raw.write(request(3))
  t.truthy(await raw.until(isAnswer(3)))
})

test('a connection without a first request is ended, PING or no PING', async (t) => {
  const { raw } = await begin(t, { headersTimeout: 200 })
  const timer = setInterval(() => {
    raw.write(frame(FRAME.ping, 0, 0, Buffer.alloc(8)))
  }, 20)
  t.teardown(() => {
    clearInterval(timer)
  })
  const goaway = await raw.until(isGoaway)
  t.is(goaway && codeOf(goaway), CODE.none)
  await raw.closed()
})

test('a connection whose head never ends is ended', async (t) => {
  const { raw } = await begin(t, { headersTimeout: 200 })
  raw.write(frame(FRAME.headers, 0, 1, block([['x-a', 'b']])))
  await raw.closed()
  t.pass()
})

test('a connection between two requests is ended, and one that waits for its answer is not', async (t) => {
  const { promise, resolve: release } = Promise.withResolvers<void>()
  const settings = { keepAliveTimeout: 100 }
  const { raw, port, authorities } = await begin(t, settings, (received, response) => {
    if (received.url === '/quick') answers(received, response)
    else void promise.then(() => answers(received, response))
  })
  raw.write(request(1))
  await raw.until(({ type, flags }) => type === FRAME.settings && flags === ACK)
  const other = await openRawHttp2(t, port, { ca: authorities.rootCa.pem })
  other.write(request(1, [], { path: '/quick' }))
  await other.until(isGoaway)
  t.is(raw.frames.find(isGoaway), undefined)
  release()
  t.truthy(await raw.until(isAnswer(1)))
  t.truthy(await raw.until(isGoaway))
  await raw.closed()
})

test('a body that stands still ends its stream, and the others go on', async (t) => {
  const { raw } = await begin(t, { idleTimeout: 200 }, (received, response) => {
    if (received.url === '/quick') answers(received, response)
    else received.resume()
  })
  raw.write(request(1, [], { method: 'POST', body: true }))
  const end = await raw.until(isReset(1))
  t.is(end && codeOf(end), CODE.cancel)
  raw.write(request(3, [], { path: '/quick' }))
  t.truthy(await raw.until(isAnswer(3)))
})

test('a request that nobody answers ends its stream, PING or no PING', async (t) => {
  const { raw } = await begin(t, { idleTimeout: 200 }, keepsWaiting)
  raw.write(request(1))
  const timer = setInterval(() => {
    raw.write(frame(FRAME.ping, 0, 0, Buffer.alloc(8)))
  }, 20)
  t.teardown(() => {
    clearInterval(timer)
  })
  const end = await raw.until(isReset(1))
  t.is(end && codeOf(end), CODE.cancel)
})

test('an answer that the client does not take ends its stream', async (t) => {
  const { raw } = await begin(t, { idleTimeout: 200 }, (_request, response) => {
    response.writeHead(200, [])
    response.end(Buffer.alloc(1_000_000))
  })
  raw.write(request(1))
  const end = await raw.until(isReset(1))
  t.is(end && codeOf(end), CODE.cancel)
})

test('after so many requests the connection ends, with the answers under way', async (t) => {
  const { promise, resolve: release } = Promise.withResolvers<void>()
  const { raw } = await begin(t, { maxRequestsPerConnection: 3 }, (received, response) => {
    if (received.url === '/late') void promise.then(() => answers(received, response))
    else answers(received, response)
  })
  raw.write(request(1, [], { path: '/late' }), request(3), request(5))
  const goaway = await raw.until(isGoaway)
  t.is(goaway && codeOf(goaway), CODE.none)
  t.is(goaway?.payload.readUInt32BE(0), 5)
  raw.write(request(7))
  t.truthy(await raw.until(isAnswer(5)))
  release()
  t.truthy(
    await raw.until(
      ({ type, stream, flags }) => type === FRAME.data && stream === 1 && (flags & END_STREAM) > 0,
    ),
  )
  await raw.closed()
  t.is(raw.frames.find(isAnswer(7)), undefined)
})

for (const [what, settings] of Object.entries({
  'when it has no request': { keepAliveTimeout: 100 },
  'after its last request': { maxRequestsPerConnection: 1 },
})) {
  test(`the other side cannot keep open what has ended ${what}`, async (t) => {
    const sockets: Socket[] = []
    const { port, authorities } = await listen(t, settings, (received, response) => {
      sockets.push(connectionOf(received))
      answers(received, response)
    })
    const options = { ca: authorities.rootCa.pem, allowHalfOpen: true }
    const raw = await openRawHttp2(t, port, options)
    raw.write(request(1))
    const socket = await eventually(() => sockets[0])
    await once(socket, 'close')
    t.false(raw.socket.destroyed)
  })
}
