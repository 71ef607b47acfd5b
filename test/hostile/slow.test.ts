import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { eventually } from '../support/eventually.ts'
import { sharedTarget, startTarget } from './support/target.ts'
import type { Target } from './support/target.ts'

const MANY = 40
const BIG = 'x'.repeat(8_000_000)

const answerBytes = ({ target: path }: { readonly target: string }): string => {
  const body = path === '/public/big' ? BIG : 'OK'
  return `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
}

const target = sharedTarget(test, {
  settings: {
    listen: {
      handshakeTimeout: '4s',
      headersTimeout: '4s',
      idleTimeout: '5s',
      keepAliveTimeout: '4s',
    },
    upstreamLimits: { idleTimeout: '1s', connections: 200 },
  },
  answerBytes,
})

/** Opens a connection and takes its time; the one who waits for its end gets what came before. */
type Dawdler = (t: ExecutionContext, at: Target) => Promise<() => Promise<string>>

const tcp =
  (bytes: string): Dawdler =>
  async (t, { port }) => {
    const socket = connectTcp(port, '127.0.0.1')
    t.teardown(() => socket.destroy())
    if (bytes !== '') socket.write(bytes, 'latin1')
    return () => ended(socket)
  }

const tls =
  (first: string, byByte = ''): Dawdler =>
  async (t, at) => {
    const client = await at.open(t, first)
    const drip = (rest: string): void => {
      if (rest === '' || client.socket.destroyed) return
      client.socket.write(rest.slice(0, 1))
      setTimeout(drip, 100, rest.slice(1)).unref()
    }
    drip(byByte)
    return async () => {
      await client.closed()
      return client.received()
    }
  }

async function ended(socket: Socket): Promise<string> {
  socket.on('error', () => undefined).resume()
  if (!socket.closed) await new Promise((resolve) => socket.once('close', resolve))
  return ''
}

/** The beginning of a ClientHello that says it is longer. */
const HALF_HELLO = `\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${'r'.repeat(80)}`
const HEAD = 'POST /public/slow HTTP/1.1\r\nHost: a\r\n'

const DAWDLERS: Readonly<Record<string, readonly [Dawdler, answer: RegExp]>> = {
  'say nothing': [tcp(''), /^$/],
  'say half a ClientHello': [tcp(HALF_HELLO), /^$/],
  'say one byte': [tcp('\x16'), /^$/],
  'finish the handshake and say nothing': [tls(''), /^(?:HTTP\/1\.1 408 |$)/],
  'send half a head': [tls('GET /public/x HTTP/1.1\r\nHos'), /^(?:HTTP\/1\.1 408 |$)/],
  'send a head byte by byte': [tls('GET /public/', 'x'.repeat(1000)), /^(?:HTTP\/1\.1 408 |$)/],
  'send header lines one by one': [
    tls('GET /public/x HTTP/1.1\r\n', 'a:b\r\n'.repeat(1000)),
    /^(?:HTTP\/1\.1 408 |$)/,
  ],
  'promise a small body and send none': [tls(`${HEAD}Content-Length: 100\r\n\r\n`), /^$/],
  'promise a large body and send some': [
    tls(`${HEAD}Content-Length: 1000000\r\n\r\nhello`),
    /^(?:HTTP\/1\.1 408 |$)/,
  ],
  'stop in the middle of a chunk': [
    tls(`${HEAD}Transfer-Encoding: chunked\r\n\r\n100\r\nhello`),
    /^(?:HTTP\/1\.1 408 |$)/,
  ],
  'stop in the middle of the trailers': [
    tls(`${HEAD}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nA: b`),
    /^(?:HTTP\/1\.1 408 |$)/,
  ],
  'are refused and send their body slowly': [
    tls(`POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n`, 'x'.repeat(10_000)),
    /^HTTP\/1\.1 401 /,
  ],
  'ask once and then say nothing': [
    tls('GET /public/x HTTP/1.1\r\nHost: a\r\n\r\n'),
    /^HTTP\/1\.1 200 /,
  ],
}

for (const [what, [dawdle, answer]] of Object.entries(DAWDLERS))
  test(`${MANY} who ${what} are gone in time, and others are served`, async (t) => {
    const waits = await Promise.all(Array.from({ length: MANY }, () => dawdle(t, target())))
    const all = Promise.all(waits.map((wait) => wait()))
    await target().servesUntil(all)
    for (const text of await all) t.regex(text, answer)
  })

test(`${MANY} who never read their answer are gone in time, and others are served`, async (t) => {
  // the limit of the connection is far away
  const at = await startTarget(t, {
    settings: { upstreamLimits: { idleTimeout: '1s' } },
    answerBytes,
  })
  const request = 'GET /public/big HTTP/1.1\r\nHost: a\r\n\r\n'
  for (let i = 0; i < MANY; i++) (await at.open(t, request)).socket.pause()
  const stalled = () =>
    at.log.filter(({ event, reason }) => event === 'upstream.failed' && reason === 'client-stalled')
      .length
  do await at.serves()
  while (stalled() < MANY)
  t.is(stalled(), MANY)
})

test('uploads that drip on do not keep their connections to the API beyond the time that is set', async (t) => {
  const few = await startTarget(t, {
    settings: { upstreamLimits: { connections: 4, connectTimeout: '10s', totalTimeout: '2s' } },
  })
  const head = `POST /public/drip HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n`
  const waits = [1, 2, 3, 4].map(() => tls(head, 'x'.repeat(1000))(t, few))
  const ends = await Promise.all(waits)
  await eventually(() => (few.upstream.bytes > 4 * head.length ? true : undefined))
  for (const text of await Promise.all(ends.map((wait) => wait())))
    t.regex(text, /^HTTP\/1\.1 504 /)
  await few.serves()
})
