import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import type { Settings } from 'node:http2'
import { connect } from 'node:net'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { secretClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { openRaw } from '../support/raw-tls.ts'
import type { RawTls } from '../support/raw-tls.ts'
import type { Ending } from '../support/recording-upstream.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import type { ScriptedConnection, ScriptedUpstream } from '../support/scripted-upstream.ts'
import { basic } from '../support/send.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'

const SECRET = 'a generated secret'
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const HOST = 'Host: sidecar.test'
const AUTHORIZATION = `Authorization: ${basic('batch', SECRET)}`
const KEY_LINES = [`Sec-WebSocket-Key: ${KEY}`, 'Sec-WebSocket-Version: 13']
const WEBSOCKET = ['Connection: Upgrade', 'Upgrade: websocket', ...KEY_LINES]
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\nX-Client-Id: root\r\n\r\n`

const head = (...lines: readonly string[]) => `${lines.join('\r\n')}\r\n\r\n`
const accept = (key: string | undefined) =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
const right = ({ header }: ScriptedConnection) =>
  `Sec-WebSocket-Accept: ${accept(header('Sec-WebSocket-Key'))}`
const SWITCH = 'HTTP/1.1 101 Switching Protocols'
const AGREED = [SWITCH, 'Connection: Upgrade', 'Upgrade: websocket']

/** What the API says to a request, by the first segment of its path. */
const SAYS: Readonly<Record<string, (connection: ScriptedConnection) => string>> = {
  agrees: (connection) => head(...AGREED, right(connection)),
  'agrees-and-speaks': (connection) => `${head(...AGREED, right(connection))}first words`,
  'agrees-with-more': (connection) =>
    head(
      ...AGREED,
      right(connection),
      'Content-Length: 5',
      'Keep-Alive: 1',
      'X-Request-Id: theirs',
      'Set-Cookie: a=1',
      'Set-Cookie: b=2',
      'Connection: X-Inner',
      'X-Inner: 1',
    ),
  'says-200': () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK',
  'says-204': () => 'HTTP/1.1 204 No Content\r\n\r\n',
  'says-426': () =>
    'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nConnection: Upgrade, X-Inner\r\nX-Inner: 1\r\n' +
    'X-Request-Id: theirs\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nno!\r\n0\r\n\r\n',
  'says-half': () => 'HTTP/1.1 403 Forbidden\r\nContent-Length: 10\r\n\r\nhalf',
  'wrong-accept': () => head(...AGREED, `Sec-WebSocket-Accept: ${accept('x')}`),
  'no-accept': () => head(...AGREED),
  'two-accepts': (connection) => head(...AGREED, right(connection), right(connection)),
  'other-protocol': (connection) =>
    head(SWITCH, 'Connection: Upgrade', 'Upgrade: h2c', right(connection)),
  'no-protocol': (connection) => head(SWITCH, right(connection)),
  'no-http': () => 'SSH-2.0-OpenSSH\r\n\r\n',
  'status-000': () => 'HTTP/1.1 000 X\r\nContent-Length: 2\r\n\r\nno',
  'status-099': () => 'HTTP/1.1 099 X\r\nContent-Length: 2\r\n\r\nno',
  'status-600': () => 'HTTP/1.1 600 X\r\nContent-Length: 2\r\n\r\nno',
  'status-999': () => 'HTTP/1.1 999 X\r\nContent-Length: 2\r\n\r\nno',
  ordinary: () => 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nplain',
}
const CLOSES = new Set(['says-half', 'no-http', 'ordinary'])

let upstream: ScriptedUpstream
let running: Running
let impatient: Running
const endings: (() => unknown)[] = []
const ending: Ending = { teardown: (end) => endings.unshift(end) }

test.before(async () => {
  upstream = await scriptedUpstream(ending, (connection) => {
    const name = /^\S+ \/([\w-]*)/.exec(connection.head)?.[1] ?? ''
    const said = SAYS[name]?.(connection)
    if (said !== undefined) connection.socket.write(said, 'latin1')
    if (CLOSES.has(name)) connection.socket.end()
  })
  const start = (upgrades: object) =>
    startSidecar(ending, {
      settings: { upstream: `http://127.0.0.1:${upstream.port}`, upgrades },
      clients: [secretClient('batch', SECRET)],
    })
  running = await start({ protocols: ['websocket', 'Echo/1'] })
  impatient = await start({ handshakeTimeout: '500ms' })
})

test.after.always(async () => {
  for (const end of endings) await end()
})

let count = 0

interface Said {
  readonly path?: string
  readonly method?: string
  readonly version?: string
  readonly lines?: readonly string[]
  readonly proof?: readonly string[]
  readonly behind?: string
}

/** Says one request on a connection of its own; its path is like no other. */
async function say(t: ExecutionContext, said: Said = {}, sidecar = running) {
  const { path = '/agrees', method = 'GET', version = '1.1', lines = WEBSOCKET } = said
  const { proof = [AUTHORIZATION], behind = '' } = said
  const own = `?n=${++count} `
  const first = head(`${method} ${path}${own}HTTP/${version}`, HOST, ...proof, ...lines)
  const tcp = connect(sidecar.port, '127.0.0.1')
  const options = { socket: tcp }
  const raw = await openRaw(t, sidecar.port, sidecar.pki.rootCa.pem, first + behind, options)
  return { ...raw, tcp, arrived: () => upstream.of(own) }
}

const hasHead = (text: string) => text.includes('\r\n\r\n')

function lineOf({ received }: RawTls, { log } = running) {
  const id = /^x-request-id: (\S+)$/im.exec(received())?.[1]
  return log.find(({ requestId }) => requestId !== undefined && requestId === id)
}

const smuggled = () => upstream.connections.some(({ text }) => text.includes('/smuggled'))

test('what stands behind an upgrade reaches the upstream after it has agreed, as it was', async (t) => {
  const raw = await say(t, { behind: SMUGGLED.replace('smuggled', 'tunnelled') })
  await raw.until(hasHead)
  raw.socket.write('and more')
  const [connection] = raw.arrived()
  const rest = await eventually(() =>
    connection?.rest.endsWith('more') ? connection.rest : undefined,
  )
  t.is(rest, `${SMUGGLED.replace('smuggled', 'tunnelled')}and more`)
  t.deepEqual(raw.statuses(), [101])
})

test('not a byte behind the head reaches the upstream before it has agreed', async (t) => {
  const raw = await say(t, { path: '/waits', behind: SMUGGLED }, impatient)
  const [connection] = await eventually(() => (raw.arrived()[0] ? raw.arrived() : undefined))
  raw.socket.write(SMUGGLED)
  await raw.closed()
  t.deepEqual(raw.statuses(), [504])
  t.like(lineOf(raw, impatient), {
    event: 'upstream.failed',
    reason: 'upstream-timeout',
    client: 'batch',
  })
  t.is(connection?.rest, '')
})

for (const [path, status, body] of [
  ['/says-200', 200, 'OK'],
  ['/says-204', 204, ''],
  ['/says-426', 426, 'no!'],
] as const) {
  test(`an upstream that ${path.slice(1)} opens no tunnel, and nothing more of the client reaches it`, async (t) => {
    const raw = await say(t, { path, behind: SMUGGLED + SMUGGLED })
    const text = await raw.until(hasHead)
    raw.socket.write(SMUGGLED)
    await raw.closed()
    t.deepEqual(raw.statuses(), [status])
    t.regex(text, /^connection: close$/im)
    t.notRegex(text, /^(upgrade|x-inner|x-request-id: theirs)/im)
    t.true(raw.received().includes(body))
    const [connection, ...more] = raw.arrived()
    t.is(connection?.rest, '')
    t.is(more.length, 0)
    t.false(smuggled())
  })
}

test('both framings at once are refused before anybody looks at the upgrade', async (t) => {
  const lines = [...WEBSOCKET, 'Content-Length: 3', 'Transfer-Encoding: chunked']
  const raw = await say(t, { lines, behind: `0\r\n\r\n${SMUGGLED}` })
  await raw.closed()
  t.deepEqual(raw.statuses(), [400])
  t.deepEqual(raw.arrived(), [])
})

test('an answer that is cut off is seen to be', async (t) => {
  const raw = await say(t, { path: '/says-half' })
  await raw.closed()
  t.regex(raw.received(), /^content-length: 10$/im)
  t.true(raw.received().endsWith('half'))
})

for (const path of ['wrong-accept', 'no-accept', 'two-accepts', 'other-protocol', 'no-protocol']) {
  test(`a switch with ${path} is none: the client hears 502 and the upstream nothing more`, async (t) => {
    const raw = await say(t, { path: `/${path}`, behind: SMUGGLED })
    await raw.closed()
    t.deepEqual(raw.statuses(), [502])
    t.like(lineOf(raw), { event: 'upstream.failed', reason: 'upstream-bad-response' })
    t.is(raw.arrived()[0]?.rest, '')
  })
}

for (const path of ['status-000', 'status-099', 'status-600', 'status-999']) {
  test(`an answer with a ${path} is none that can be handed on: 502`, async (t) => {
    const raw = await say(t, { path: `/${path}`, behind: SMUGGLED })
    await raw.closed()
    t.deepEqual(raw.statuses(), [502])
    t.true(raw.received().endsWith('}'))
    t.like(lineOf(raw), { event: 'upstream.failed', reason: 'upstream-bad-response' })
    t.is(raw.arrived()[0]?.rest, '')
    t.is(raw.arrived()[0]?.socket.readyState, 'writeOnly')
  })
}

test('an upstream that speaks no HTTP is said to fail', async (t) => {
  const raw = await say(t, { path: '/no-http' })
  await raw.closed()
  t.deepEqual(raw.statuses(), [502])
  t.is(lineOf(raw)?.event, 'upstream.failed')
})

test('what the upstream says at once, behind its agreement, arrives', async (t) => {
  const raw = await say(t, { path: '/agrees-and-speaks' })
  const text = await raw.until((received) => received.endsWith('first words'))
  t.true(text.endsWith('\r\n\r\nfirst words'))
})

test('of the head of an agreement the client sees what is for it', async (t) => {
  const raw = await say(t, { path: '/agrees-with-more' })
  const text = await raw.until(hasHead)
  const lines = text.split('\r\n').map((line) => line.toLowerCase())
  t.deepEqual(
    lines.filter((line) => /^(connection|upgrade|content-length|keep-alive|x-inner)/.test(line)),
    ['connection: upgrade', 'upgrade: websocket'],
  )
  t.deepEqual(
    lines.filter((line) => line.startsWith('set-cookie')),
    ['set-cookie: a=1', 'set-cookie: b=2'],
  )
  t.is(lines.filter((line) => line.startsWith('x-request-id')).length, 1)
  t.false(text.includes('theirs'))
})

/** Lines of a request for an upgrade that is refused, with the status and the reason. */
const REFUSED: Readonly<Record<string, readonly [number, string, Said]>> = {
  'no credential': [401, 'no-credentials', { proof: [] }],
  'an identity header named in Connection': [
    400,
    'connection-names-protected-header',
    { lines: ['Connection: Upgrade, X-Client-Id', ...WEBSOCKET.slice(1)] },
  ],
  'a length named in Connection': [
    400,
    'connection-names-protected-header',
    { lines: ['Connection: Upgrade, Content-Length', ...WEBSOCKET.slice(1)] },
  ],
  'a body': [
    400,
    'upgrade-with-body',
    { lines: [...WEBSOCKET, 'Content-Length: 5'], behind: 'abcde' },
  ],
  'a body that comes later': [
    400,
    'upgrade-with-body',
    { lines: [...WEBSOCKET, `Content-Length: ${SMUGGLED.length}`] },
  ],
  'a chunked body': [
    400,
    'upgrade-with-body',
    { lines: [...WEBSOCKET, 'Transfer-Encoding: chunked'], behind: '0\r\n\r\n' },
  ],
  'a disguised length': [
    400,
    'header-name-disguised',
    { lines: [...WEBSOCKET, 'Content_Length: 5'] },
  ],
  'another method': [400, 'websocket-method', { method: 'POST' }],
  'no key': [400, 'websocket-key-invalid', { lines: WEBSOCKET.slice(0, 2) }],
  'two keys': [
    400,
    'websocket-key-invalid',
    { lines: [...WEBSOCKET, `Sec-WebSocket-Key: ${KEY}`] },
  ],
  'a short key': [
    400,
    'websocket-key-invalid',
    { lines: [...WEBSOCKET.slice(0, 2), 'Sec-WebSocket-Key: AAAA'] },
  ],
  'a key named in Connection': [
    400,
    'websocket-key-invalid',
    { lines: ['Connection: Upgrade, Sec-WebSocket-Key', ...WEBSOCKET.slice(1)] },
  ],
  'two hosts': [400, 'header-repeated', { lines: [...WEBSOCKET, HOST] }],
}

for (const [what, [status, reason, said]] of Object.entries(REFUSED)) {
  test(`an upgrade with ${what} is refused, and nothing behind it is a request`, async (t) => {
    const raw = await say(t, { ...said, behind: `${said.behind ?? ''}${SMUGGLED}` })
    await raw.closed()
    t.deepEqual(raw.statuses(), [status])
    t.like(lineOf(raw), { event: 'request.refused', reason, status })
    t.deepEqual(raw.arrived(), [])
    t.false(smuggled())
  })
}

/** Requests whose `Upgrade` counts for nothing: they are answered as if it were not there. */
const IGNORED: Readonly<Record<string, Said>> = {
  'Upgrade without Connection': { lines: ['Upgrade: websocket', ...KEY_LINES] },
  'Connection without Upgrade': { lines: ['Connection: Upgrade', ...KEY_LINES] },
  'two Upgrade lines': { lines: [...WEBSOCKET, 'Upgrade: websocket'] },
  'a list of protocols': {
    lines: ['Connection: Upgrade', 'Upgrade: websocket, h2c', ...KEY_LINES],
  },
  'an upgrade to h2c': {
    lines: ['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk'],
  },
  'an upgrade to TLS': { lines: ['Connection: Upgrade', 'Upgrade: TLS/1.0'] },
  'a protocol that is not allowed': { lines: ['Connection: Upgrade', 'Upgrade: irc'] },
  'HTTP/1.0': { version: '1.0' },
  'an underscored name': { lines: ['Connection: Upgrade', 'Up_grade: websocket', ...KEY_LINES] },
}

for (const [what, said] of Object.entries(IGNORED)) {
  test(`${what}: an ordinary request`, async (t) => {
    const raw = await say(t, { path: '/ordinary', ...said })
    const text = await raw.until((received) => received.endsWith('plain'))
    t.deepEqual(raw.statuses(), [200])
    t.notRegex(text, /^upgrade/im)
    const [connection] = raw.arrived()
    t.notRegex(connection?.head ?? '', /^(upgrade|http2-settings|connection:.*upgrade)/im)
    t.is(connection?.header('x-client-id'), 'batch')
  })
}

test('an ordinary answer keeps the connection, on which an upgrade may follow', async (t) => {
  const raw = await say(t, { path: '/ordinary', lines: [] })
  await raw.until((received) => received.endsWith('plain'))
  raw.socket.write(head('GET /agrees?later HTTP/1.1', HOST, AUTHORIZATION, ...WEBSOCKET))
  await raw.until((received) => received.includes(' 101 '))
  t.deepEqual(raw.statuses(), [200, 101])
})

test('an upgrade behind a request that is still unanswered counts for nothing: the two would mix', async (t) => {
  const second = head('GET /ordinary?second HTTP/1.1', HOST, AUTHORIZATION, ...WEBSOCKET)
  const raw = await say(t, { path: '/ordinary', lines: [], behind: second })
  await raw.until((received) => received.split('plain').length > 2)
  t.deepEqual(raw.statuses(), [200, 200])
  t.is(upstream.of('?second')[0]?.header('Upgrade'), undefined)
})

test('an upgrade behind a malformed request is not looked at', async (t) => {
  const second = head('GET /agrees?after HTTP/1.1', HOST, AUTHORIZATION, ...WEBSOCKET)
  const raw = await say(t, { path: '/ordinary', lines: ['Content_Length: 3'], behind: second })
  await raw.closed()
  t.deepEqual(raw.statuses(), [400])
  t.deepEqual(upstream.of('?after'), [])
})

test('identity in any spelling, and what belongs to the connection, stays behind', async (t) => {
  const lines = [
    'X-Client-Id: root',
    'x-client-id: root',
    'X_Client_Id: root',
    'X.Client.Id: root',
    'Keep-Alive: 5',
    'TE: trailers',
    'Proxy-Connection: upgrade',
    'X-Forwarded-For: 1.2.3.4',
    'X-Many: 1',
    'X-Many: 2',
    '__proto__: 3',
  ]
  const raw = await say(t, { lines: [...lines, ...WEBSOCKET] })
  await raw.until(hasHead)
  const [connection] = raw.arrived()
  const text = connection?.head ?? ''
  t.notRegex(text, /root|1\.2\.3\.4|^(keep-alive|te|proxy-connection)/im)
  t.is(connection?.header('x-client-id'), 'batch')
  t.is(connection?.header('Connection'), 'Upgrade')
  t.is(connection?.header('Upgrade'), 'websocket')
  t.is(connection?.header('Host'), 'sidecar.test')
  t.is(connection?.header('__proto__'), '3')
  t.is(text.match(/^x-many: [12]$/gim)?.length, 2)
})

test('endpoints of our own answer as they do, and know no upgrade', async (t) => {
  const body = 'grant_type=client_credentials'
  const lines = [
    'Content-Type: application/x-www-form-urlencoded',
    `Content-Length: ${body.length}`,
    ...WEBSOCKET,
  ]
  const first = head('POST /connect/token HTTP/1.1', HOST, AUTHORIZATION, ...lines) + body
  const raw = await openRaw(t, running.port, running.pki.rootCa.pem, first)
  const text = await raw.until((received) => received.endsWith('}'))
  t.deepEqual(raw.statuses(), [200])
  t.true(text.includes('access_token'))
  t.notRegex(text, /^connection: close/im)
})

test('another protocol that is allowed is asked for under its own name and method', async (t) => {
  const agreed = [SWITCH, 'Connection: Upgrade', 'Upgrade: echo/1']
  const other = await scriptedUpstream(t, ({ socket }) => {
    socket.write(head(...agreed))
    socket.on('data', (chunk) => socket.write(chunk))
  })
  const sidecar = await startSidecar(t, {
    settings: {
      upstream: `http://127.0.0.1:${other.port}`,
      upgrades: { protocols: ['Echo/1'] },
    },
    clients: [secretClient('batch', SECRET)],
  })
  const asked = ['Connection: upgrade', 'Upgrade: ECHO/1', 'Content-Length: 0', KEY_LINES[0] ?? '']
  const first = head('POST /exec HTTP/1.1', HOST, AUTHORIZATION, ...asked)
  const raw = await openRaw(t, sidecar.port, sidecar.pki.rootCa.pem, first)
  await raw.until(hasHead)
  raw.socket.write('say it back')
  await raw.until((received) => received.endsWith('say it back'))
  t.regex(other.connections[0]?.head ?? '', /^POST \/exec HTTP\/1\.1\r\n/)
  t.is(other.connections[0]?.header('Upgrade'), 'echo/1')
})

test('over HTTP/2 no tunnel is offered, and none is to be had (RFC 8441)', async (t) => {
  const { port, pki } = running
  const session = connectHttp2(`https://127.0.0.1:${port}`, { ca: pki.rootCa.pem })
  t.teardown(() => session.destroy())
  const [settings] = (await once(session, 'remoteSettings')) as [Settings]
  t.not(settings.enableConnectProtocol, true)
  const proof = { authorization: basic('batch', SECRET) }
  const tunnel = { ':method': 'CONNECT', ':authority': 'sidecar.test:443', ...proof }
  const extended = { ':protocol': 'websocket', ':scheme': 'https', ':path': '/agrees?h2' }
  for (const [asked, expected] of [
    [tunnel, 400],
    [{ ...tunnel, ...extended }, 'Stream closed with error code NGHTTP2_PROTOCOL_ERROR'],
  ] as const) {
    const { promise: outcome, resolve } = Promise.withResolvers<unknown>()
    const stream = session.request(asked)
    stream.on('response', (headers) => resolve(headers[':status']))
    stream.on('error', ({ message }) => resolve(message))
    t.is(await outcome, expected)
  }
  t.deepEqual(upstream.of('?h2'), [])
})

test('a client that goes away before the upstream has agreed takes the connection with it', async (t) => {
  const raw = await say(t, { path: '/waits' })
  const [connection] = await eventually(() => (raw.arrived()[0] ? raw.arrived() : undefined))
  raw.tcp.resetAndDestroy()
  await eventually(() => connection?.socket.readableEnded || undefined)
  const line = await eventually(() =>
    running.log.find(
      ({ event, reason }) => event === 'upstream.failed' && reason === 'client-aborted',
    ),
  )
  t.is(line['client'], 'batch')
})

for (const [who, how] of [
  ['client', 'resets'],
  ['client', 'ends'],
  ['upstream', 'resets'],
  ['upstream', 'ends'],
] as const) {
  test(`when the ${who} ${how} its connection the other is closed too`, async (t) => {
    const raw = await say(t)
    await raw.until(hasHead)
    const inner = raw.arrived()[0]?.socket
    if (!inner) return t.fail()
    const watched = who === 'client' ? inner : raw.socket
    if (how === 'ends') (who === 'client' ? raw.socket : inner).end()
    else (who === 'client' ? raw.tcp : inner).resetAndDestroy()
    if (who === 'client' && how === 'resets') {
      // It has not ended its own side, and sees only by writing that nobody is there.
      const writing = setInterval(() => inner.write('anybody?'), 10)
      t.teardown(() => clearInterval(writing))
      await once(inner, 'close').catch(() => undefined)
    } else await eventually(() => watched.readableEnded || watched.destroyed || undefined)
    return t.pass()
  })
}

test('who does not read does not fill our memory', async (t) => {
  const chunk = Buffer.alloc(65_536)
  let sent = 0
  const flood = await scriptedUpstream(t, (connection) => {
    const { socket } = connection
    socket.write(SAYS['agrees']?.(connection) ?? '', 'latin1')
    const push = () => {
      while (sent < 256 * 2 ** 20 && socket.write(chunk)) sent += chunk.length
    }
    socket.on('drain', push)
    push()
  })
  const sidecar = await startSidecar(t, {
    settings: { upstream: `http://127.0.0.1:${flood.port}` },
    clients: [secretClient('batch', SECRET)],
  })
  const first = head('GET / HTTP/1.1', HOST, AUTHORIZATION, ...WEBSOCKET)
  const raw = await openRaw(t, sidecar.port, sidecar.pki.rootCa.pem, first)
  await raw.until(hasHead)
  raw.socket.pause()
  const inner = flood.connections[0]?.socket
  let before = -1
  while (before !== sent) {
    before = sent
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  t.true(inner?.writableNeedDrain)
  t.true(sent < 64 * 2 ** 20, `${sent} bytes`)
})
