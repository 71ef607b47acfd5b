import { readFileSync } from 'node:fs'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { eventually } from '../support/eventually.ts'
import {
  ACK,
  block,
  CODE,
  codeOf,
  END_HEADERS,
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
import type { Line, RawHttp2 } from '../support/raw-http2.ts'
import { sharedTarget } from './support/target.ts'

const STREAMS = 10

const BIG = 'x'.repeat(8_000_000)

/** One process bears it all, one flood after the other. */
const target = sharedTarget(test, {
  settings: {
    listen: {
      idleTimeout: '3s',
      headersTimeout: '2s',
      keepAliveTimeout: '2s',
      http2: { maxConcurrentStreams: STREAMS },
    },
    upstreamLimits: { idleTimeout: '2s' },
  },
  answerBytes({ target: path }) {
    if (path === '/public/held') return undefined
    const body = path === '/public/big' ? BIG : 'OK'
    return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  },
})

function open(t: ExecutionContext): Promise<RawHttp2> {
  return openRawHttp2(t, target().port, { ca: target().pki.rootCa.pem })
}

/** Resident memory in MiB; 0 where nobody tells. */
function memory(): number {
  if (process.platform !== 'linux') return 0
  const status = readFileSync(`/proc/${target().child.pid}/status`, 'utf8')
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024
}

/** More than what a flood may leave behind, in MiB. */
const TOO_MUCH = 100

/**
 * Writes pieces until the other side ends the connection, or there are no more; others are served all the while.
 */
async function flood(raw: RawHttp2, pieces: Iterable<Buffer>): Promise<void> {
  let sent = 0
  let ended = false
  void raw.closed().then(() => (ended = true))
  for (const piece of pieces) {
    if (ended || raw.frames.some(isGoaway)) break
    if (!raw.socket.write(piece)) await Promise.race([drained(raw), raw.closed()])
    if (++sent % 100 === 0) await target().serves()
  }
  await target().serves()
}

function drained({ socket }: RawHttp2): Promise<unknown> {
  return new Promise((resolve) => socket.once('drain', resolve))
}

function* times<T>(count: number, make: (i: number) => T): Generator<T> {
  for (let i = 0; i < count; i++) yield make(i)
}

const PUBLIC = { path: '/public/x' }
const settings = (...pairs: readonly (readonly [id: number, value: number])[]): Buffer =>
  frame(
    FRAME.settings,
    0,
    0,
    Buffer.concat(
      pairs.map(([id, value]) => {
        const pair = Buffer.alloc(6)
        pair.writeUInt16BE(id)
        pair.writeUInt32BE(value, 2)
        return pair
      }),
    ),
  )
const window = (stream: number, increment: number): Buffer => {
  const size = Buffer.alloc(4)
  size.writeUInt32BE(increment)
  return frame(FRAME.windowUpdate, 0, stream, size)
}
/** Sixteen frames at a time: one TLS record or so. */
const many = (count: number, make: (i: number) => Buffer): Generator<Buffer> =>
  times(Math.ceil(count / 16), (i) => Buffer.concat([...times(16, (j) => make(16 * i + j))]))

/** Floods that end their connection, and how many requests of theirs may have reached the API. */
const ENDED: Readonly<Record<string, readonly [pieces: () => Iterable<Buffer>, arrived: number]>> =
  {
    'requests that are reset at once': [
      () =>
        many(20_000, (i) =>
          Buffer.concat([request(2 * i + 1, [], PUBLIC), reset(2 * i + 1, CODE.cancel)]),
        ),
      2000,
    ],
    'requests with a body that are reset at once': [
      () =>
        many(20_000, (i) =>
          Buffer.concat([
            request(2 * i + 1, [], { ...PUBLIC, method: 'POST', body: true }),
            reset(2 * i + 1, CODE.cancel),
          ]),
        ),
      2000,
    ],
    'requests that are made to fail by a window of zero': [
      () =>
        many(20_000, (i) => Buffer.concat([request(2 * i + 1, [], PUBLIC), window(2 * i + 1, 0)])),
      2000,
    ],
    'requests that are made to fail by their own headers': [
      () => many(20_000, (i) => request(2 * i + 1, [['connection', 'close']], PUBLIC)),
      0,
    ],
    'streams beyond those that are allowed': [
      () => many(20_000, (i) => request(2 * i + 1, [], { ...PUBLIC, method: 'POST', body: true })),
      STREAMS,
    ],
    'CONTINUATION frames without an end': [
      () => [
        frame(FRAME.headers, END_STREAM, 1, block([[':method', 'GET']])),
        ...many(20_000, () => frame(FRAME.continuation, 0, 1, block([['x-a', 'a'.repeat(100)]]))),
      ],
      0,
    ],
    'CONTINUATION frames with nothing in them': [
      () => [
        frame(FRAME.headers, END_STREAM, 1, block([[':method', 'GET']])),
        ...many(20_000, () => frame(FRAME.continuation, 0, 1)),
      ],
      0,
    ],
    'empty DATA frames': [
      () => [
        request(1, [], { ...PUBLIC, method: 'POST', body: true }),
        ...many(200_000, () => frame(FRAME.data, 0, 1)),
      ],
      1,
    ],
    'SETTINGS frames of many values': [
      () =>
        many(2000, () => settings(...times(100, (i) => [i % 2 === 0 ? 4 : 0xff, 65_535] as const))),
      0,
    ],
    'DATA on a stream that never was': [() => many(200, () => frame(FRAME.data, 0, 99, 'x')), 0],
    'DATA on no stream': [() => [frame(FRAME.data, 0, 0, 'x')], 0],
    'HEADERS on a stream with an even number': [() => [request(2, [], PUBLIC)], 0],
    'a stream number that goes back': [() => [request(5, [], PUBLIC), request(3, [], PUBLIC)], 1],
    'a window that overflows': [() => [window(0, 0x7fffffff), window(0, 0x7fffffff)], 0],
    'a window of zero for the connection': [() => [window(0, 0)], 0],
    'a frame that is larger than allowed': [() => [frame(FRAME.data, 0, 1, 'x'.repeat(20_000))], 0],
    'padding that is longer than its frame': [
      () => [
        request(1, [], { ...PUBLIC, method: 'POST', body: true }),
        frame(FRAME.data, 8, 1, [200, 1, 2, 3]),
      ],
      0,
    ],
    'a header block that is no HPACK': [
      () => [frame(FRAME.headers, END_HEADERS | END_STREAM, 1, Buffer.alloc(1000, 0xff))],
      0,
    ],
    'an index of HPACK that does not exist': [
      () => [frame(FRAME.headers, END_HEADERS | END_STREAM, 1, [0xff, 0x80, 0x80, 0x80, 0x01])],
      0,
    ],
    'a table of HPACK larger than allowed': [
      () => [frame(FRAME.headers, END_HEADERS | END_STREAM, 1, [0x3f, 0xff, 0xff, 0xff, 0x7f])],
      0,
    ],
    'a number of HPACK without an end': [
      () => [
        frame(FRAME.headers, END_HEADERS | END_STREAM, 1, [0x7f, ...Array<number>(500).fill(0x80)]),
      ],
      0,
    ],
    'a frame between HEADERS and CONTINUATION': [
      () => [
        frame(FRAME.headers, 0, 1, block([[':method', 'GET']])),
        frame(FRAME.ping, 0, 0, '12345678'),
      ],
      0,
    ],
    'a PUSH_PROMISE of a client': [() => [frame(5, END_HEADERS, 1, [0, 0, 0, 2])], 0],
    'a SETTINGS frame of a bad length': [() => [frame(FRAME.settings, 0, 0, [0, 1, 2])], 0],
    'a PING of a bad length': [() => [frame(FRAME.ping, 0, 0, [1])], 0],
    'a frame size that is too small': [() => [settings([5, 1])], 0],
    'a push setting that is no truth value': [() => [settings([2, 7])], 0],
    'a window setting that overflows': [() => [settings([4, 0xffffffff])], 0],
  }

for (const [what, [pieces, arrived]] of Object.entries(ENDED))
  test.serial(`${what} end their connection, and others are served`, async (t) => {
    const { upstream } = target()
    const before = { memory: memory(), arrived: upstream.of('/public/x').length }
    const raw = await open(t)
    await flood(raw, pieces())
    await raw.closed()
    const after = memory()
    t.true(after - before.memory < TOO_MUCH, `${before.memory} MiB, then ${after} MiB`)
    const count = upstream.of('/public/x').length - before.arrived
    t.true(count <= arrived, `${count} requests`)
    t.deepEqual(upstream.faults, [])
  })

/** Floods that a server may bear, or end. */
const BORNE: Readonly<Record<string, readonly [pieces: () => Iterable<Buffer>, arrived: number]>> =
  {
    'SETTINGS frames': [() => many(50_000, (i) => settings([4, 65_535 - (i % 2)])), 0],
    'empty SETTINGS frames': [() => many(50_000, () => frame(FRAME.settings, 0, 0)), 0],
    'acknowledgements of SETTINGS that were not sent': [
      () => many(50_000, () => frame(FRAME.settings, ACK, 0)),
      0,
    ],
    'PING frames': [() => many(50_000, () => frame(FRAME.ping, 0, 0, '12345678')), 0],
    'answers to PING frames that were not sent': [
      () => many(50_000, () => frame(FRAME.ping, ACK, 0, '12345678')),
      0,
    ],
    'PRIORITY frames': [
      () =>
        many(50_000, (i) => frame(FRAME.priority, 0, (2 * i + 1) % 0x7fffffff, [0, 0, 0, 0, 1])),
      0,
    ],
    'window updates of one': [() => many(50_000, () => window(0, 1)), 0],
    'frames that nobody knows': [
      () => many(50_000, (i) => frame(0x40 + (i % 64), 0, 0, 'x'.repeat(20))),
      0,
    ],
    'GOAWAY frames': [
      () => many(5000, () => frame(FRAME.goaway, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0])),
      0,
    ],
    'resets of streams that never were': [
      () => many(5000, (i) => reset(2 * i + 1, CODE.cancel)),
      0,
    ],
    'requests whose header list is as large as HPACK makes it': [
      () => {
        // one entry of the table, named a thousand times
        const entry = Buffer.concat([
          Buffer.from([0x40, 1]),
          Buffer.from('a'),
          Buffer.from([0x7f, 0x81, 0x1e]),
          Buffer.alloc(4000, 'a'),
        ])
        const head: Line[] = [
          [':method', 'GET'],
          [':scheme', 'https'],
          [':authority', 'localhost'],
          [':path', '/public/x'],
        ]
        const bomb = Buffer.concat([block(head), entry, Buffer.alloc(10_000, 0xbe)])
        return times(50, (i) => frame(FRAME.headers, END_HEADERS | END_STREAM, 2 * i + 1, bomb))
      },
      0,
    ],
    'bodies of padding': [
      () => [
        request(1, [], { ...PUBLIC, method: 'POST', body: true }),
        ...many(50_000, () =>
          frame(FRAME.data, 8, 1, Buffer.concat([Buffer.from([255, 0x78]), Buffer.alloc(255)])),
        ),
      ],
      1,
    ],
  }

for (const [what, [pieces, arrived]] of Object.entries(BORNE))
  test.serial(`${what} do no harm, and others are served`, async (t) => {
    const { upstream } = target()
    const before = { memory: memory(), arrived: upstream.of('/public/x').length }
    const raw = await open(t)
    await flood(raw, pieces())
    const after = memory()
    t.true(after - before.memory < TOO_MUCH, `${before.memory} MiB, then ${after} MiB`)
    const count = upstream.of('/public/x').length - before.arrived
    t.true(count <= arrived, `${count} requests`)
    t.deepEqual(upstream.faults, [])
    raw.socket.destroy()
  })

test.serial('of more streams than allowed at once the API sees only those that are', async (t) => {
  const raw = await open(t)
  raw.write(...times(100, (i) => request(2 * i + 1, [], { path: '/public/held' })))
  const last = await raw.until(isReset(199))
  t.is(last && codeOf(last), CODE.refusedStream)
  const held = () => target().upstream.of('/public/held').length
  await eventually(() => held() >= STREAMS || undefined)
  await target().serves()
  t.is(held(), STREAMS)
})

test.serial('answers that nobody gives room for hold little memory, and end', async (t) => {
  const before = memory()
  const opened: RawHttp2[] = []
  for (let i = 0; i < 10; i++) {
    const raw = await open(t)
    const requests = times(STREAMS, (j) => request(2 * j + 1, [], { path: '/public/big' }))
    raw.write(settings([4, 0]), ...requests)
    opened.push(raw)
  }
  for (const raw of opened) await raw.until(isAnswer(2 * STREAMS - 1))
  await target().serves()
  t.true(memory() - before < 2 * TOO_MUCH, `${before} MiB, then ${memory()} MiB`)
  await Promise.all(opened.map((raw) => raw.closed()))
})

/** Others are served until all of these connections have ended. */
async function gone(opened: readonly RawHttp2[]): Promise<void> {
  await target().servesUntil(Promise.all(opened.map((raw) => raw.closed())))
}

test.serial('two hundred connections that say nothing are gone in time', async (t) => {
  await gone(await Promise.all(times(200, () => open(t))))
  t.pass()
})

test.serial('connections whose request never ends are gone in time', async (t) => {
  const path = '/public/endless'
  const lines: Line[] = [['content-length', '100000']]
  const opened = await Promise.all(times(50, () => open(t)))
  for (const [i, raw] of opened.entries()) {
    if (i % 2 === 0) raw.write(frame(FRAME.headers, END_STREAM, 1, block([[':path', path]])))
    else raw.write(request(1, lines, { path, method: 'POST', body: true }))
  }
  await gone(opened)
  t.deepEqual(target().upstream.of(path), [])
})
