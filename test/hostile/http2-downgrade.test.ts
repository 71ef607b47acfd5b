import test from 'ava'
import type { ExecutionContext } from 'ava'

import { eventually } from '../support/eventually.ts'
import {
  block,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  isAnswer,
  isGoaway,
  isReset,
  openRawHttp2,
  request,
} from '../support/raw-http2.ts'
import type { Line, RawHttp2 } from '../support/raw-http2.ts'
import { statusOf } from './support/http2-status.ts'
import { AUTHORIZATION, sharedTarget, startTarget } from './support/target.ts'

const target = sharedTarget(test)

const PROOF: Line = ['authorization', AUTHORIZATION]
const SMUGGLED = 'GET /public/smuggled HTTP/1.1\r\nHost: a\r\nX-Client-Id: root\r\n\r\n'
const CHUNKED = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`

let count = 0

async function open(t: ExecutionContext, { port, pki } = target()): Promise<RawHttp2> {
  const raw = await openRawHttp2(t, port, { ca: pki.rootCa.pem })
  // no dynamic table, so that every status stands where it is looked for
  raw.write(frame(FRAME.settings, 0, 0, [0, 1, 0, 0, 0, 0]))
  return raw
}

/** The status of a stream's answer; nothing when the stream or the connection was ended instead. */
async function outcome(raw: RawHttp2, stream: number): Promise<number | undefined> {
  const fits = isAnswer(stream)
  const one = await raw.until(
    (frame1) => fits(frame1) || isReset(stream)(frame1) || isGoaway(frame1),
  )
  return one !== undefined && fits(one) ? statusOf(one) : undefined
}

const pseudo = (path: string, method = 'GET'): Line[] => [
  [':method', method],
  [':scheme', 'https'],
  [':authority', 'localhost'],
  [':path', path],
]
const instead = (lines: readonly Line[], name: string, value: string): Line[] =>
  lines.map((line) => (line[0] === name ? [name, value] : line))

/** Heads that must not become a request of HTTP/1.1. */
const REFUSED: Readonly<Record<string, (path: string) => readonly Line[]>> = {
  'a length that is too small': (p) => [...pseudo(p, 'POST'), ['content-length', '1']],
  'a length that is too large': (p) => [...pseudo(p, 'POST'), ['content-length', '100000']],
  'an octal length': (p) => [...pseudo(p, 'POST'), ['content-length', `0${CHUNKED.length}`]],
  'a signed length': (p) => [...pseudo(p, 'POST'), ['content-length', `+${CHUNKED.length}`]],
  'two lengths': (p) => [...pseudo(p, 'POST'), ['content-length', '0'], ['content-length', '5']],
  'a list of lengths': (p) => [...pseudo(p, 'POST'), ['content-length', '0, 0']],
  'a transfer coding': (p) => [...pseudo(p, 'POST'), ['transfer-encoding', 'chunked']],
  'a transfer coding in disguise': (p) => [...pseudo(p, 'POST'), ['transfer_encoding', 'chunked']],
  'a length in disguise': (p) => [...pseudo(p, 'POST'), ['content_length', '0']],
  'a Connection header': (p) => [...pseudo(p), ['connection', 'x-client-id']],
  'an upgrade': (p) => [...pseudo(p), ['upgrade', 'websocket']],
  'a keep-alive header': (p) => [...pseudo(p), ['keep-alive', 'timeout=1']],
  'TE other than trailers': (p) => [...pseudo(p), ['te', 'chunked']],
  'names in capitals': (p) => [...pseudo(p), ['X-Client-Id', 'root']],
  'CR LF in the path': (p) => pseudo(`${p} HTTP/1.1\r\nHost: a\r\n\r\n${SMUGGLED}`),
  'a bare LF in the path': (p) => pseudo(`${p}\nx: y`),
  'a NUL in the path': (p) => pseudo(`${p}\0`),
  'a space in the path': (p) => pseudo(`${p} HTTP/1.1`),
  'a path without a slash': (p) => pseudo(p.slice(1)),
  'an empty path': (p) => [...pseudo(''), ['x-path', p]],
  'a fragment in the path': (p) => pseudo(`${p}#x`),
  'dot segments': (p) => pseudo(`/public/..${p}`),
  'an absolute path': (p) => pseudo(`https://localhost${p}`),
  'a path of 9000 characters': (p) => pseudo(`${p}${'a'.repeat(9000)}`),
  'CR LF in the method': (p) => pseudo(p, 'GET / HTTP/1.1\r\nHost: a\r\n\r\nGET'),
  'a space in the method': (p) => pseudo(p, 'GET /admin'),
  'a method of controls': (p) => pseudo(p, 'G\0T'),
  CONNECT: (p) => [
    [':method', 'CONNECT'],
    [':authority', 'a:443'],
    ['x-path', p],
  ],
  'an extended CONNECT': (p) => [...pseudo(p, 'CONNECT'), [':protocol', 'websocket']],
  TRACE: (p) => pseudo(p, 'TRACE'),
  'CR LF in the authority': (p) => instead(pseudo(p), ':authority', 'a\r\nx-client-id: root'),
  'a user in the authority': (p) => instead(pseudo(p), ':authority', 'user@localhost'),
  'a path in the authority': (p) => instead(pseudo(p), ':authority', 'localhost/admin'),
  'a list in the authority': (p) => instead(pseudo(p), ':authority', 'a,b'),
  'an empty authority': (p) => instead(pseudo(p), ':authority', ''),
  'no authority': (p) => pseudo(p).filter(([name]) => name !== ':authority'),
  'an authority and another host': (p) => [...pseudo(p), ['host', 'other.test']],
  'two hosts': (p) => [...pseudo(p), ['host', 'localhost'], ['host', 'localhost']],
  'a host in disguise': (p) => [...pseudo(p), ['h.ost', 'a'], ['content.length', '1']],
  'another scheme': (p) => instead(pseudo(p), ':scheme', 'ftp'),
  'CR LF in the scheme': (p) => instead(pseudo(p), ':scheme', 'https\r\nx: y'),
  'no path': (p) => [...pseudo('').filter(([name]) => name !== ':path'), ['x-path', p]],
  'no method': (p) => pseudo(p).filter(([name]) => name !== ':method'),
  'no scheme': (p) => pseudo(p).filter(([name]) => name !== ':scheme'),
  'two paths': (p) => [...pseudo('/public/ok'), [':path', p]],
  'two methods': (p) => [...pseudo(p), [':method', 'DELETE']],
  'two authorities': (p) => [...pseudo(p), [':authority', 'localhost']],
  'a pseudo-header behind others': (p) => [...pseudo('').slice(0, 3), ['x-a', 'b'], [':path', p]],
  'an unknown pseudo-header': (p) => [...pseudo(p), [':client-id', 'root']],
  'a pseudo-header of answers': (p) => [...pseudo(p), [':status', '200']],
  'two proofs': (p) => [...pseudo(p), PROOF],
  'more lines than allowed': (p) => [
    ...pseudo(p),
    ...Array.from({ length: 120 }, (_, i): Line => [`x-${i}`, '1']),
  ],
}

for (const [what, lines] of Object.entries(REFUSED))
  for (const [where, prefix, proof] of [
    ['in the open', '/public/', []],
    ['by who may call', '/orders/', [PROOF]],
  ] as const)
    test(`${what}, ${where}: nothing arrives`, async (t) => {
      // in the open one proof is none
      if (what === 'two proofs' && proof.length === 0) return t.pass()
      const id = `h2no${count++}.`
      const head = block([...lines(prefix + id), ...proof])
      const raw = await open(t)
      raw.write(
        frame(FRAME.headers, END_HEADERS, 1, head),
        frame(FRAME.data, END_STREAM, 1, CHUNKED),
      )
      const status = await outcome(raw, 1)
      t.true(status === undefined || status >= 400, `${status}`)
      const { upstream, serves } = target()
      await serves()
      t.deepEqual(upstream.of(id), [])
      t.deepEqual(
        upstream.of('/smuggled').filter(({ target: path }) => path.includes('smuggled')),
        [],
      )
      t.deepEqual(upstream.faults, [])
      return undefined
    })

for (const method of ['get', 'trace', "!#$%&'*+.^_`|~"])
  test(`the method ${method}, which HTTP/1.1 has no word for, does not reach the API`, async (t) => {
    const path = '/public/method'
    const own = await startTarget(t)
    const raw = await open(t, own)
    raw.write(request(1, [], { method, path }))
    await outcome(raw, 1)
    await own.serves()
    const { upstream } = own
    t.deepEqual(upstream.of(path), [])
    t.deepEqual(upstream.faults, [])
  })

for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'PUT'])
  for (const [what, more] of [
    ['with its length', true],
    ['without a length', false],
  ] as const)
    for (const pieces of [1, 7])
      test(`${method} with a body that looks like requests, ${what}, in ${pieces}: one request`, async (t) => {
        const path = `/orders/h2one${count++}.`
        const raw = await open(t)
        const lines: Line[] = more ? [PROOF, ['content-length', `${CHUNKED.length}`]] : [PROOF]
        raw.write(request(1, lines, { method, path, body: true }))
        const size = Math.ceil(CHUNKED.length / pieces)
        for (let i = 0; i < pieces; i++)
          raw.write(frame(FRAME.data, 0, 1, CHUNKED.slice(i * size, (i + 1) * size)))
        raw.write(frame(FRAME.data, END_STREAM, 1))
        t.is(await outcome(raw, 1), 200)
        const { upstream } = target()
        const arrived = upstream.of(path)
        t.deepEqual(
          arrived.map((one) => [one.method, one.body, one.values('x-client-id')]),
          [[method, CHUNKED, ['batch']]],
        )
        t.deepEqual(upstream.faults, [])
      })

test('a cut-off body is never whole at the API', async (t) => {
  const raw = await open(t)
  for (const [stream, length, end] of [
    [1, 10, frame(FRAME.reset, 0, 1, [0, 0, 0, 8])],
    [3, 100_000, frame(FRAME.reset, 0, 3, [0, 0, 0, 0])],
    [5, 10, frame(FRAME.data, END_STREAM, 5, 'sho')],
    [7, 100_000, frame(FRAME.data, END_STREAM, 7, 'sho')],
  ] as const) {
    const lines: Line[] = [PROOF, ['content-length', `${length}`]]
    const path = `/orders/h2cut.${stream}`
    raw.write(request(stream, lines, { method: 'POST', path, body: true }))
    raw.write(frame(FRAME.data, 0, stream, 'hello'), end)
  }
  await target().serves()
  raw.socket.destroy()
  await target().serves()
  t.deepEqual(target().upstream.of('/orders/h2cut.'), [])
})

const NAMES = [
  'x-client-id',
  'x-client-scopes',
  'x-request-id',
  'x-remote-user',
  'x-remote-extra-a',
]
  .concat(['x-forwarded-user', 'x-forwarded-for', 'x-consumer-username', 'client-cert'])
  .concat([
    'x-forwarded-client-cert',
    'x-vouchgate-assertion',
    'x-http-method-override',
    'forwarded',
  ])
const SPELLINGS: Readonly<Record<string, (name: string) => string>> = {
  'as they are': (name) => name,
  'with underscores': (name) => name.replaceAll('-', '_'),
  'with one underscore': (name) => name.replace('-', '_'),
  'with dots': (name) => name.replaceAll('-', '.'),
  'with tildes': (name) => name.replaceAll('-', '~'),
}

for (const [where, path, more, status] of [
  ['in the open', '/public/', [], 200],
  ['by who may call', '/orders/', [PROOF], 200],
  ['by who may not', '/orders/', [['authorization', 'Bearer x']], 401],
] as const)
  for (const [how, spell] of Object.entries(SPELLINGS))
    test(`over HTTP/2 nobody says who called, ${where}, names written ${how}, in head and trailers`, async (t) => {
      const spoofed = NAMES.flatMap((name): Line[] => [
        [spell(name), 'spoofed'],
        [spell(name), 'spoofed'],
      ])
      const id = `h2spoof${count++}.`
      const raw = await open(t)
      raw.write(
        request(1, [...more, ...spoofed], { method: 'POST', path: path + id, body: true }),
        frame(FRAME.data, 0, 1, 'hello'),
        frame(FRAME.headers, END_HEADERS | END_STREAM, 1, block(spoofed)),
      )
      t.is(await outcome(raw, 1), status)
      const arrived = await eventually(() => {
        const found = target().upstream.of(id)
        return found.length > 0 || status !== 200 ? found : undefined
      })
      t.is(arrived.length, status === 200 ? 1 : 0)
      for (const one of arrived) {
        t.notRegex(one.headers.join('\n'), /spoofed/)
        t.deepEqual(one.values('x-client-id'), path === '/orders/' ? ['batch'] : [])
        t.is(one.body, 'hello')
      }
    })

test('requests of one connection are each judged alone, whoever proved what on it before', async (t) => {
  const raw = await open(t)
  for (let i = 0; i < 90; i++) {
    const lines: Line[] = i % 3 === 0 ? [PROOF] : i % 3 === 1 ? [] : [['authorization', 'Basic x']]
    raw.write(request(2 * i + 1, lines, { path: `/orders/h2each.${i}` }))
  }
  for (let i = 0; i < 90; i++) {
    t.is(await outcome(raw, 2 * i + 1), [200, 401, 400][i % 3])
  }
  t.is(target().upstream.of('/orders/h2each.').length, 30)
})
