import test from 'ava'
import fc from 'fast-check'

import { writePieces } from '../support/write-pieces.ts'
import { openRaw } from '../support/raw-tls.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { openHttp2 } from '../support/send-http2.ts'
import { startSidecar } from '../support/start-sidecar.ts'

/** RFC 9113 §8.2.2 and what goes with it, names that objects have, and those that frame a message. */
const SPECIAL = [
  ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade'],
  ['http2-settings', 'te', 'trailer', 'content-length', 'content-type', 'set-cookie'],
  [':status', ':path', ':', '__proto__', 'constructor', 'x-request-id', 'date', 'link'],
].flat()

const name = fc.oneof(
  fc.constantFrom(...SPECIAL),
  fc.constantFrom(...SPECIAL).map((one) => one.toUpperCase()),
  fc.string({ unit: fc.constantFrom(...'aZ09!#$%&*+-.^_`|~:'), minLength: 1, maxLength: 8 }),
)
const value = fc.oneof(
  fc.constantFrom('', 'trailers', 'close', 'chunked', 'x', '0', '2', '5', 'http2-settings, x-a'),
  // visible, blank and obs-text
  fc
    .array(
      fc.oneof(
        fc.integer({ min: 0x20, max: 0x7e }),
        fc.integer({ min: 0x80, max: 0xff }),
        fc.constant(9),
      ),
      {
        maxLength: 12,
      },
    )
    .map((codes) => String.fromCharCode(...codes)),
)
const lines = fc
  .array(fc.tuple(name, value), { maxLength: 5 })
  .map((all) => all.map(([one, its]) => `${one}: ${its}\r\n`).join(''))
const status = fc.oneof(
  fc.constantFrom(100, 101, 102, 103, 199, 200, 204, 205, 206, 304, 404, 500, 599, 600, 999),
  fc.integer({ min: 100, max: 999 }),
)

/** The bytes of an answer, those of each packet by themselves. */
const answers: fc.Arbitrary<readonly string[]> = fc
  .record({
    hints: fc.option(lines, { freq: 4 }),
    status,
    head: lines,
    framing: fc.constantFrom('length', 'chunks', 'close'),
    body: fc.constantFrom('', 'ok', 'x'.repeat(20_000)),
    trailers: lines,
    cuts: fc.boolean(),
  })
  .map(({ hints, status: code, head, framing, body, trailers, cuts }) => {
    const frame = {
      length: `Content-Length: ${body.length}\r\n`,
      chunks: 'Transfer-Encoding: chunked\r\nTrailer: x-a, http2-settings\r\n',
      close: '',
    }[framing]
    const chunk = body === '' ? '' : `${body.length.toString(16)}\r\n${body}\r\n`
    const pieces = [
      hints === null ? '' : `HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n${hints}\r\n`,
      `HTTP/1.1 ${code} Some\r\n${frame}${head}\r\n`,
      framing === 'chunks' ? chunk : body,
      framing === 'chunks' ? `0\r\n${trailers}\r\n` : '',
    ]
    return cuts ? pieces.filter((piece) => piece !== '') : [pieces.join('')]
  })

// Whatever were thrown out of a tick ends the process, and ava fails the file for it.
test('whatever head and trailers an API answers with, nothing is thrown and every client gets an end', async (t) => {
  let current: readonly string[] = []
  const { port } = await scriptedUpstream(t, ({ socket, head }) => {
    if (head.includes(' /healthy')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    else void writePieces(socket, current)
  })
  const running = await startSidecar(t, {
    settings: {
      upstream: `http://127.0.0.1:${port}`,
      upstreamLimits: { headersTimeout: '5s', idleTimeout: '5s' },
      routes: [{ path: '/**', public: true }],
      limits: { maxEventLoopDelay: '1m' },
    },
  })
  const session = openHttp2(t, running)
  /** The status of the answer; 0: it was reset. */
  const over2 = (method: string): Promise<number> => {
    const stream = session.request(
      { ':method': method, ':path': '/', te: 'trailers' },
      { endStream: method !== 'POST' },
    )
    // an upload that is not over when the answer comes
    if (method === 'POST') stream.write('x'.repeat(70_000))
    const { promise, resolve } = Promise.withResolvers<number>()
    let received = 0
    stream.on('response', (answer) => (received = Number(answer[':status'])))
    stream.on('error', () => undefined)
    stream.on('close', () => resolve(received))
    stream.on('end', () => stream.close())
    stream.resume()
    return promise
  }
  const over1 = async (method: string): Promise<number> => {
    const bytes = `${method} / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close\r\n\r\n`
    const client = await openRaw(t, running.port, running.pki.rootCa.pem, bytes)
    await client.closed()
    return client.statuses().findLast((one) => one >= 200) ?? 0
  }
  await fc.assert(
    fc.asyncProperty(answers, async (pieces) => {
      current = pieces
      const statuses = await Promise.all([
        ...['GET', 'HEAD', 'POST'].map(over2),
        ...['GET', 'HEAD'].map(over1),
      ])
      for (const one of statuses) t.true(one === 0 || (one >= 200 && one <= 599), `${one}`)
      t.false(session.closed)
    }),
    { numRuns: 150 },
  )
  t.is((await running.send({ path: '/healthy' })).status, 200)
})
