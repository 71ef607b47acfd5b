import { createHash } from 'node:crypto'

import test from 'ava'

import { eventually } from '../support/eventually.ts'
import { AUTHORIZATION, sharedTarget, startTarget } from './support/target.ts'

const target = sharedTarget(test)

const request = (startLine: string, lines: readonly string[] = [], body = ''): string =>
  [startLine, ...lines, '', body].join('\r\n')

/** A request that must never arrive as one. */
const smuggled = (id: string): string =>
  request(`GET /public/smuggled-${id} HTTP/1.1`, ['Host: a', 'X-Client-Id: root'])

const chunk = (text: string, extension = ''): string =>
  `${text.length.toString(16)}${extension}\r\n${text}\r\n`

const CHUNKED = ['Host: a', 'Transfer-Encoding: chunked']

/** Bodies that arrive as they were sent, whatever they look like, and what the API finds in them. */
const BODIES: Readonly<Record<string, (inner: string) => readonly [sent: string, body: string]>> = {
  'a sized body that is a request': (s) => [
    request('', ['Host: a', `Content-Length: ${s.length}`], s),
    s,
  ],
  'a chunk that is a request': (s) => [request('', CHUNKED, `${chunk(s)}0\r\n\r\n`), s],
  'chunks of one byte': (s) => [
    request('', CHUNKED, `${Array.from(s, (one) => chunk(one)).join('')}0\r\n\r\n`),
    s,
  ],
  'many small chunk extensions': (s) => [
    request('', CHUNKED, `${chunk(s, ';a=1;b="\\"c"').repeat(50)}0;last\r\n\r\n`),
    s.repeat(50),
  ],
  'sizes with zeros before them, in any case': () => [
    request('', CHUNKED, '0000A\r\n0123456789\r\n00\r\n\r\n'),
    '0123456789',
  ],
  'trailers that name the caller': (s) => [
    request('', CHUNKED, `${chunk(s)}0\r\nX-Client-Id: root\r\nX_Client_Id: root\r\n\r\n`),
    s,
  ],
  'a body in a request that has none as a rule': () => [
    request('', ['Host: a', 'Content-Length: 5'], 'hello'),
    'hello',
  ],
  'more than is gathered, in one piece': (s) => [
    request('', ['Host: a', `Content-Length: ${1000 * s.length}`], s.repeat(1000)),
    s.repeat(1000),
  ],
  'more than is gathered, in chunks': (s) => [
    request('', CHUNKED, `${chunk(s).repeat(1000)}0\r\n\r\n`),
    s.repeat(1000),
  ],
}

let count = 0

for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS', 'QUERY'])
  for (const [what, make] of Object.entries(BODIES))
    test(`${method} with ${what} is one request with that body`, async (t) => {
      const id = `one${count++}.`
      const { open, upstream, serves } = target()
      const [sent, body] = make(smuggled(id))
      const line = `${method} /public/${id} HTTP/1.1`
      const next = request(`GET /public/next-${id} HTTP/1.1`, ['Host: a', 'Connection: close'])
      const client = await open(t, line + sent + next)
      await client.closed()
      t.deepEqual(client.statuses(), [200, 200])
      await serves()
      const arrived = upstream.of(id)
      t.deepEqual(
        arrived.map(({ method: m, target: path }) => `${m} ${path}`).toSorted(),
        [`${method} /public/${id}`, `GET /public/next-${id}`].toSorted(),
      )
      const [one] = upstream.of(`/public/${id}`)
      t.is(sha(one?.body ?? ''), sha(body))
      t.notRegex(one?.headers.join('\n') ?? '', /root|trailer/i)
      t.deepEqual(upstream.faults, [])
    })

function sha(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex')
}

/** Start lines and hosts that are refused, with everything behind them; some get no answer, only the end. */
const REFUSED: readonly (readonly [
  what: string,
  status: number | undefined,
  reason: string | undefined,
  bytes: string,
])[] = [
  [
    'an absolute target',
    400,
    'path-absolute-form',
    request('GET http://a/public/ID HTTP/1.1', ['Host: a']),
  ],
  [
    'an absolute target of another host',
    400,
    'path-absolute-form',
    request('GET https://b/public/ID HTTP/1.1', ['Host: a']),
  ],
  ['an authority for a target', 400, undefined, request('GET a:443 HTTP/1.1', ['Host: a'])],
  ['the asterisk', 400, 'path-asterisk-form', request('OPTIONS * HTTP/1.1', ['Host: a'])],
  ['a target that is only a query', 400, undefined, request('GET ?ID HTTP/1.1', ['Host: a'])],
  ['a blank in the target', 400, undefined, request('GET /public/ID x HTTP/1.1', ['Host: a'])],
  [
    'two slashes at the start',
    400,
    'path-empty-segment',
    request('GET //b/public/ID HTTP/1.1', ['Host: a']),
  ],
  ['a fragment', 400, 'path-fragment', request('GET /public/ID#/x HTTP/1.1', ['Host: a'])],
  [
    'a target that is not ASCII',
    400,
    undefined,
    request('GET /public/ID\u00e9 HTTP/1.1', ['Host: a']),
  ],
  ['no version', 400, 'http-version', 'GET /public/ID\r\n\r\n'],
  [
    'a version that there never was',
    400,
    undefined,
    request('GET /public/ID HTTP/1.2', ['Host: a']),
  ],
  ['a version of two digits', 400, undefined, request('GET /public/ID HTTP/1.10', ['Host: a'])],
  ['a version in lower case', 400, undefined, request('GET /public/ID http/1.1', ['Host: a'])],
  [
    'the preface of HTTP/2 without having agreed on it',
    400,
    undefined,
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  ],
  ['a method in lower case', 400, undefined, request('get /public/ID HTTP/1.1', ['Host: a'])],
  ['an unknown method', 400, undefined, request('GETS /public/ID HTTP/1.1', ['Host: a'])],
  ['a start line that ends with LF', 400, undefined, 'GET /public/ID HTTP/1.1\nHost: a\r\n\r\n'],
  [
    'a line of the head that ends with LF',
    400,
    undefined,
    'GET /public/ID HTTP/1.1\r\nHost: a\nX: y\r\n\r\n',
  ],
  ['no host in HTTP/1.0', 400, 'host-missing', request('GET /public/ID HTTP/1.0')],
  ['an empty host', 400, 'host-invalid', request('GET /public/ID HTTP/1.1', ['Host:'])],
  ['two hosts', 400, 'header-repeated', request('GET /public/ID HTTP/1.1', ['Host: a', 'host: b'])],
  [
    'two equal hosts',
    400,
    'header-repeated',
    request('GET /public/ID HTTP/1.1', ['Host: a', 'Host: a']),
  ],
  ['a host with a user', 400, 'host-invalid', request('GET /public/ID HTTP/1.1', ['Host: a@b'])],
  ['a host with a path', 400, 'host-invalid', request('GET /public/ID HTTP/1.1', ['Host: a/b'])],
  ['a host with a list', 400, 'host-invalid', request('GET /public/ID HTTP/1.1', ['Host: a, b'])],
  ['a host with a blank', 400, 'host-invalid', request('GET /public/ID HTTP/1.1', ['Host: a b'])],
  [
    'a host with a quote',
    400,
    'host-invalid',
    request('GET /public/ID HTTP/1.1', ['Host: a"; for=1.2.3.4']),
  ],
  [
    'a host with a port that is no number',
    400,
    'host-invalid',
    request('GET /public/ID HTTP/1.1', ['Host: a:b']),
  ],
  [
    'a host that is not ASCII',
    400,
    'host-invalid',
    request('GET /public/ID HTTP/1.1', ['Host: \u00e4']),
  ],
  ['a host in disguise', 400, 'host-missing', request('GET /public/ID HTTP/1.0', ['H_ost: a'])],
  [
    'chunks in HTTP/1.0',
    undefined,
    undefined,
    request('POST /public/ID HTTP/1.0', CHUNKED, '0\r\n\r\n'),
  ],
  ['TRACE', 501, 'method-refused', request('TRACE /public/ID HTTP/1.1', ['Host: a'])],
]

for (const [what, status, reason, bytes] of REFUSED)
  test(`${what} is refused, and the connection ends`, async (t) => {
    const id = `never${count++}.`
    const { open, upstream, serves, reasonOf } = target()
    const client = await open(t, bytes.replaceAll('ID', id) + smuggled(id))
    await client.closed()
    t.deepEqual(client.statuses(), status === undefined ? [] : [status])
    t.is(await reasonOf(client.received()), reason)
    await serves()
    t.deepEqual(upstream.of(id), [])
    t.deepEqual(upstream.faults, [])
  })

test('behind a request without a host nothing is taken for a request', async (t) => {
  const { open, upstream, serves } = target()
  const client = await open(t, request('GET /public/x HTTP/1.1') + smuggled('hostless'))
  await client.closed()
  t.deepEqual(client.statuses(), [400])
  await serves()
  t.deepEqual(upstream.of('hostless'), [])
})

test('what is pipelined behind a request that changes something waits for its answer', async (t) => {
  const waits = await startTarget(t, {
    answerBytes: ({ target: path }) =>
      path === '/public/first' ? undefined : 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  })
  const first = request('POST /public/first HTTP/1.1', ['Host: a', 'Content-Length: 0'])
  await waits.open(t, first + request('GET /public/second HTTP/1.1', ['Host: a']))
  await eventually(() => waits.upstream.of('/public/first')[0])
  await waits.serves()
  t.deepEqual(waits.upstream.of('/public/second'), [])
})

for (const connection of ['keep-alive', 'close', 'Upgrade'])
  test(`CONNECT opens no tunnel, with Connection: ${connection}`, async (t) => {
    const id = `tunnel${count++}.`
    const { open, upstream, serves } = target()
    const lines = ['Host: a:443', `Connection: ${connection}`, `Authorization: ${AUTHORIZATION}`]
    const client = await open(t, request('CONNECT a:443 HTTP/1.1', lines) + smuggled(id))
    await client.closed()
    t.true(client.statuses().every((status) => status >= 400))
    await serves()
    t.deepEqual(upstream.of(id), [])
  })

for (const name of [
  'X-HTTP-Method-Override',
  'X-HTTP-Method',
  'X-Method-Override',
  'x_http_method_override',
])
  test(`${name} changes no method, here or behind us`, async (t) => {
    const id = `method${count++}.`
    const { send, upstream } = target()
    await send({ path: `/public/${id}`, headers: { [name]: 'DELETE' } })
    const [arrived] = upstream.of(id)
    t.is(arrived?.method, 'GET')
    t.notRegex(arrived?.headers.join('\n') ?? '', /DELETE/)
  })

/** Requests of four kinds in turn, and the status that each is worth. */
const mixed = (length: number, name: string) =>
  Array.from({ length }, (_, i) => {
    const way = i % 4
    const path = way === 0 ? '/public/' : '/orders/'
    const lines = [
      ['X: y'],
      [`Authorization: ${AUTHORIZATION}`],
      ['Authorization: Bearer of.no.one'],
      ['X-Client-Id: batch'],
    ][way]
    return {
      status: way < 2 ? 200 : 401,
      bytes: request(`GET ${path}${name}${i}. HTTP/1.1`, ['Host: a', ...(lines ?? [])]),
    }
  })

test('a thousand requests on one connection, a hundred at a time, are each judged alone', async (t) => {
  const { open, upstream } = target()
  const made = mixed(1000, 'pipe')
  const client = await open(t)
  for (let i = 0; i < 1000; i += 100) {
    const some = made.slice(i, i + 100)
    client.socket.write(some.map(({ bytes }) => bytes).join(''))
    await client.until(() => client.statuses().length >= i + 100)
  }
  t.deepEqual(
    client.statuses(),
    made.map(({ status }) => status),
  )
  const arrived = upstream.of('/pipe')
  t.is(arrived.length, 500)
  for (const one of arrived) {
    const proven = one.target.startsWith('/orders/')
    t.deepEqual(one.values('x-client-id'), proven ? ['batch'] : [])
  }
})

test('of a thousand requests in one piece those that are answered are answered in order', async (t) => {
  const { open, upstream, serves } = target()
  const made = mixed(1000, 'flood')
  const client = await open(t, made.map(({ bytes }) => bytes).join(''))
  await client.until(() => client.statuses().length >= 1000)
  // Node ends a connection whose requests come faster than the answers leave, with a 400 at the end
  const statuses = client.statuses().filter((status, i) => i < 1000 && status !== 400)
  t.deepEqual(
    statuses,
    made.slice(0, statuses.length).map(({ status }) => status),
  )
  t.true(upstream.of('/flood').length <= 500)
  await serves()
})

test('behind an early answer nothing of the body is taken for a request', async (t) => {
  const early = await startTarget(t, {
    answerBytes: (message) =>
      `HTTP/1.1 200 OK\r\nContent-Length: ${message.target.length}\r\n\r\n${message.target}`,
  })
  const { open, upstream, serves } = early
  for (const [what, status, path, lines] of [
    ['refused for its proof', 401, '/orders/x', []],
    ['refused for its path', 400, '/orders//x', []],
    ['refused for its method', 501, '/public/x', []],
  ] as const) {
    const method = status === 501 ? 'TRACE' : 'PUT'
    for (const size of [10, 100_000, 10_000_000]) {
      const body = smuggled(`early${size}.`).repeat(Math.ceil(size / 80))
      const head = request(`${method} ${path} HTTP/1.1`, [
        'Host: a',
        ...lines,
        `Content-Length: ${body.length}`,
      ])
      const client = await open(t, head + body.slice(0, 60_000))
      await client.until((text) => text.includes('\r\n\r\n'))
      client.socket.write(body.slice(60_000) + smuggled('early'))
      if (size > 60_000 || status !== 401) await client.closed()
      else await client.until(() => client.statuses().length > 1)
      t.is(client.statuses()[0], status, what)
      t.true(client.statuses().length <= (size === 10 && status === 401 ? 2 : 1), what)
      client.socket.destroy()
    }
  }
  await serves()
  t.true(upstream.of('/smuggled-').every(({ target: path }) => path === '/public/smuggled-early'))
})
