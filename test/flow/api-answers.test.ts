import test from 'ava'
import type { ExecutionContext } from 'ava'

import { openRaw } from '../support/raw-tls.ts'
import { writePieces } from '../support/write-pieces.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { openHttp2, sendHttp2 } from '../support/send-http2.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'

/** A sidecar before an API that writes these pieces for an answer, each in a packet of its own. */
async function before(t: ExecutionContext, ...pieces: readonly string[]): Promise<Running> {
  const { port } = await scriptedUpstream(t, ({ socket }) => {
    void writePieces(socket, pieces)
  })
  return startSidecar(t, {
    settings: {
      upstream: `http://127.0.0.1:${port}`,
      routes: [{ path: '/**', public: true }],
      limits: { maxEventLoopDelay: '1m' },
    },
  })
}

const failures = ({ log }: Running) => log.filter(({ event }) => event === 'upstream.failed')

/** What a client of HTTP/1.1 gets, byte for byte. */
async function rawAnswer(t: ExecutionContext, running: Running): Promise<string> {
  const bytes = `GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close\r\n\r\n`
  const client = await openRaw(t, running.port, running.pki.rootCa.pem, bytes)
  await client.closed()
  return client.received()
}

for (const name of ['HTTP2-Settings', 'Keep-Alive', 'Proxy-Connection', 'Upgrade']) {
  test(`${name} in the head of an answer, whose body comes later, stays behind`, async (t) => {
    const head = `HTTP/1.1 200 OK\r\nConnection: close\r\n${name}: x\r\nX-Own: kept\r\nContent-Length: 2\r\n\r\n`
    const running = await before(t, head, 'ok')
    const answers = [await sendHttp2(t, running, {}), await running.send()]
    for (const { status, text, headers } of answers) {
      t.deepEqual([status, text, headers['x-own']], [200, 'ok', 'kept'])
      t.is(headers[name.toLowerCase()] === 'x', false)
    }
    t.is(failures(running).length, 0)
  })
}

test('HTTP2-Settings among the trailers of an answer stays behind, and the others arrive', async (t) => {
  const running = await before(
    t,
    'HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: http2-settings, x-sum\r\n\r\n',
    '2\r\nok\r\n',
    '0\r\nHTTP2-Settings: x\r\nX-Sum: 2\r\n\r\n',
  )
  const stream = openHttp2(t, running).request({ ':path': '/' })
  let trailers: object = {}
  stream.on('trailers', (received: object) => (trailers = received))
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  t.is(text, 'ok')
  t.deepEqual(Object.entries(trailers), [['x-sum', '2']])
  const raw = await rawAnswer(t, running)
  t.regex(raw, /^trailer: x-sum\r$/im)
  t.regex(raw, /\r\n0\r\nx-sum: 2\r\n\r\n$/)
  t.notRegex(raw, /http2-settings/i)
  t.is(failures(running).length, 0)
})

test('early hints have no length (RFC 9110 §8.6)', async (t) => {
  const running = await before(
    t,
    'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nContent-Length: 0\r\nX-Own: kept\r\n\r\n',
    'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n',
    'ok',
  )
  const stream = openHttp2(t, running).request({ ':path': '/' })
  const hints: Record<string, unknown>[] = []
  stream.on('headers', (received) => hints.push({ ...received }))
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  t.is(text, 'ok')
  t.is(hints.length, 1)
  t.like(hints[0], { ':status': 103, link: '</a>; rel=preload', 'x-own': 'kept' })
  t.false('content-length' in (hints[0] ?? {}))
  const [interim, final] = (await rawAnswer(t, running)).split('\r\n\r\n')
  t.regex(interim ?? '', /^HTTP\/1\.1 103 [^]*^x-own: kept/im)
  t.notRegex(interim ?? '', /content-length/i)
  t.regex(final ?? '', /^HTTP\/1\.1 200 [^]*^content-length: 2/im)
})

for (const [name, pieces] of [
  ['with a length', ['HTTP/1.1 205 Reset\r\nConnection: close\r\nContent-Length: 2\r\n\r\n', 'ok']],
  [
    'with a length, in one packet',
    ['HTTP/1.1 205 Reset\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok'],
  ],
  [
    'in chunks, with trailers',
    [
      'HTTP/1.1 205 Reset\r\nConnection: close\r\nTransfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n',
      '2\r\nok\r\n0\r\nX-Sum: 2\r\n\r\n',
    ],
  ],
  ['up to the end of the connection', ['HTTP/1.1 205 Reset\r\nConnection: close\r\n\r\n', 'ok']],
  ['without one', ['HTTP/1.1 205 Reset\r\nConnection: close\r\nContent-Length: 0\r\n\r\n']],
] as const) {
  test(`a 205 has no body for the client (RFC 9110 §15.3.6), also when the API sends it ${name}`, async (t) => {
    const running = await before(t, ...pieces)
    const { status, text, headers } = await sendHttp2(t, running, {})
    t.deepEqual([status, text, headers['content-length']], [205, '', '0'])
    const [head = '', ...rest] = (await rawAnswer(t, running)).split('\r\n\r\n')
    t.regex(head, /^HTTP\/1\.1 205 [^]*^content-length: 0\r?$/im)
    t.notRegex(head, /^(?:transfer-encoding|trailer):/im)
    t.deepEqual(rest, [''])
    t.is(failures(running).length, 0)
  })
}
