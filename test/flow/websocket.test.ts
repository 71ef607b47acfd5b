import { randomBytes } from 'node:crypto'
import { once } from 'node:events'

import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { openWebSocket, refusedWebSocket } from '../support/open-websocket.ts'
import { pki } from '../support/pki.ts'
import { readOperations } from '../support/read-operations.ts'
import type { Ending } from '../support/recording-upstream.ts'
import { basic } from '../support/send.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running, StartOptions } from '../support/start-sidecar.ts'
import { tokenOf, tokenRequest } from '../support/token-request.ts'
import { webSocketUpstream } from '../support/websocket-upstream.ts'
import type { WebSocketUpstream } from '../support/websocket-upstream.ts'

const SECRET = 'a generated secret'
const BASIC = { authorization: basic('batch', SECRET) }
const ROUTES = [
  { path: '/open/**', public: true },
  { path: '/admin/**', scopes: ['admin'] },
]

let running: Running
let upstream: WebSocketUpstream
const endings: (() => unknown)[] = []
const ending: Ending = { teardown: (end) => endings.unshift(end) }

async function start(t: Ending, settings: StartOptions['settings'] = {}) {
  const api = await webSocketUpstream(t)
  const { client } = await pki()
  const laptop = {
    clientId: 'laptop',
    clientSecrets: [{ type: 'X509Thumbprint', value: client.x509.fingerprint256 }],
    allowedScopes: ['read'],
  }
  const sidecar = await startSidecar(t, {
    settings: { upstream: `http://127.0.0.1:${api.port}`, routes: ROUTES, ...settings },
    clients: [secretClient('batch', SECRET), laptop],
  })
  return { api, sidecar }
}

test.before(async () => {
  const { api, sidecar } = await start(ending)
  running = sidecar
  upstream = api
})

test.after.always(async () => {
  for (const end of endings) await end()
})

/** The metrics as soon as they show this. */
async function metric(sidecar: Running, wanted: RegExp): Promise<string> {
  for (;;) {
    const { text } = await readOperations(sidecar, '/metrics')
    if (wanted.test(text)) return text
  }
}

const arrivedAt = (path: string) => upstream.arrived.filter(({ url }) => url === path)

test('text, binary and large messages come back as they were', async (t) => {
  const { ask, answer } = await openWebSocket(t, running, { headers: BASIC })
  t.is((await ask('grüße')).toString(), 'grüße')
  for (const size of [0, 1, 125, 126, 65_535, 65_536, 2 ** 20]) {
    const message = randomBytes(size)
    t.true(message.equals(await ask(message)), `${size} bytes`)
  }
  t.regex(String(answer.headers['x-request-id']), /^[\da-f-]{36}$/)
  t.is(answer.headers.upgrade, 'websocket')
  t.is(answer.headers.connection?.toLowerCase(), 'upgrade')
})

test('pings are answered by the other end', async (t) => {
  const { socket } = await openWebSocket(t, running, { headers: BASIC })
  const pong = once(socket, 'pong')
  socket.ping('are you there')
  t.is(String((await pong)[0]), 'are you there')
})

test('a subprotocol is chosen by the upstream', async (t) => {
  const { socket } = await openWebSocket(t, running, {
    headers: BASIC,
    protocols: ['chat.v1', 'chat.v2'],
  })
  t.is(socket.protocol, 'chat.v2')
})

test('both ends agree to compress, and do', async (t) => {
  const { socket, ask } = await openWebSocket(t, running, { headers: BASIC, deflate: true })
  t.true(socket.extensions.startsWith('permessage-deflate'))
  const message = 'a'.repeat(100_000)
  t.is((await ask(message)).toString(), message)
})

test('a hundred at once do not mix', async (t) => {
  const all = await Promise.all(
    Array.from({ length: 100 }, () => openWebSocket(t, running, { headers: BASIC })),
  )
  const replies = await Promise.all(
    all.map(async ({ ask }, i) => {
      for (let round = 0; round < 5; round++) {
        const message = randomBytes(1000 + i)
        if (!message.equals(await ask(message))) return false
      }
      return true
    }),
  )
  t.true(replies.every(Boolean))
})

test('the codes with which either side closes arrive at the other', async (t) => {
  const { socket, ended } = await openWebSocket(t, running, {
    path: '/closing',
    headers: BASIC,
  })
  socket.close(4001, 'enough')
  t.deepEqual(await ended(), { code: 4001, reason: 'enough' })
  const closed = await eventually(() => upstream.closes.find(({ url }) => url === '/closing'))
  t.is(closed.code, 4001)
})

test('the upstream is told who calls, once, and what it asked for', async (t) => {
  const headers = {
    ...BASIC,
    'X-Client-Id': 'root',
    x_client_id: 'root',
    'X-CLIENT-SCOPES': 'admin',
    'X-Request-Id': 'mine',
    'X-Forwarded-For': '10.0.0.1',
    'X-Kept': 'yes',
    Origin: 'https://app.example',
  }
  const { answer } = await openWebSocket(t, running, { path: '/told?a=1&b=%20', headers })
  const [arrived] = arrivedAt('/told?a=1&b=%20')
  t.like(arrived?.headers, {
    'x-client-id': 'batch',
    'x-client-scopes': 'read write',
    'x-client-auth-method': 'client_secret_basic',
    'x-request-id': answer.headers['x-request-id'] as string,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-proto': 'https',
    'x-kept': 'yes',
    origin: 'https://app.example',
    connection: 'Upgrade',
    upgrade: 'websocket',
  })
  t.is(arrived?.headers.authorization, undefined)
  const names = (arrived?.rawHeaders ?? []).filter((_, i) => i % 2 === 0)
  const folded = names.map((name) => name.toLowerCase().replaceAll(/[^a-z\d]/g, '-'))
  t.deepEqual(folded, [...new Set(folded)], 'every name once')
})

test('an access token opens one', async (t) => {
  const answer = await running.send(tokenRequest({ headers: BASIC, form: { scope: 'read' } }))
  const headers = { authorization: `Bearer ${tokenOf(t, answer)}` }
  const { ask } = await openWebSocket(t, running, { path: '/by-token', headers })
  t.is((await ask('hello')).toString(), 'hello')
  t.like(arrivedAt('/by-token')[0]?.headers, {
    'x-client-id': 'batch',
    'x-client-scopes': 'read',
    'x-client-auth-method': 'bearer',
  })
})

test('a client certificate opens one', async (t) => {
  const { cert, key } = running.pki.client
  const { ask } = await openWebSocket(t, running, { path: '/by-certificate', cert, key })
  t.is((await ask('hello')).toString(), 'hello')
  t.is(arrivedAt('/by-certificate')[0]?.headers['x-client-id'], 'laptop')
})

test('on a public route nobody needs to be proven, and nobody can claim to be somebody', async (t) => {
  const headers = { 'x-client-id': 'root', 'x-client-scopes': 'admin' }
  const { ask } = await openWebSocket(t, running, { path: '/open/feed', headers })
  t.is((await ask('hello')).toString(), 'hello')
  t.is(arrivedAt('/open/feed')[0]?.headers['x-client-id'], undefined)
  t.is(arrivedAt('/open/feed')[0]?.headers['x-client-scopes'], undefined)
})

for (const [what, path, headers, status, reason] of [
  ['no credential', '/refused-1', {}, 401, 'no-credentials'],
  ['a wrong secret', '/refused-2', { authorization: basic('batch', 'x') }, 401, 'secret-mismatch'],
  ['a token of nobody', '/refused-3', { authorization: 'Bearer a.b.c' }, 401, 'jwt-malformed'],
  ['too few scopes', '/admin/refused-4', BASIC, 403, 'scope-missing'],
  ['a path in two readings', '/refused//5', BASIC, 400, 'path-empty-segment'],
] as const) {
  test(`with ${what} it is refused as any request is, and the upstream hears nothing`, async (t) => {
    const refused = await refusedWebSocket(t, running, { path, headers })
    t.is(refused.status, status)
    t.like(refused.line, { event: 'request.refused', reason, status })
    t.is(refused.headers.connection, 'close')
    const plain = await running.send({ path, headers })
    t.is(plain.status, status)
    t.is(refused.text, plain.text)
    t.deepEqual(refused.headers['www-authenticate'], plain.headers['www-authenticate'])
    t.deepEqual(refused.headers['content-type'], plain.headers['content-type'])
    t.deepEqual(arrivedAt(path), [])
  })
}

test('what is open and what has closed is counted', async (t) => {
  const { sidecar } = await start(t)
  const { socket, ended } = await openWebSocket(t, sidecar, { headers: BASIC })
  const opened = await metric(sidecar, /^vouchgate_upgraded_connections 1$/m)
  t.regex(opened, /^vouchgate_requests_total\{status="1xx"\} 1$/m)
  t.regex(opened, /^vouchgate_requests_under_way 0$/m, 'it is no request any more')
  socket.close()
  await ended()
  const closed = await metric(sidecar, /^vouchgate_upgraded_connections 0$/m)
  t.regex(closed, /^vouchgate_upgraded_connections_closed_total\{reason="\w+-closed"\} 1$/m)
})

test('over the limit it is refused, and may be tried again', async (t) => {
  const { sidecar } = await start(t, { upgrades: { maxConnections: 1 } })
  const first = await openWebSocket(t, sidecar, { headers: BASIC })
  const second = await refusedWebSocket(t, sidecar, { headers: BASIC })
  t.is(second.status, 503)
  t.truthy(second.headers['retry-after'])
  t.like(second.line, { reason: 'too-many-upgrades', client: 'batch' })
  first.socket.close()
  await first.ended()
  await metric(sidecar, /^vouchgate_upgraded_connections 0$/m)
  const third = await openWebSocket(t, sidecar, { headers: BASIC })
  t.is((await third.ask('again')).toString(), 'again')
})

test('where no protocol is allowed it is an ordinary request', async (t) => {
  const { sidecar, api } = await start(t, { upgrades: { protocols: [] } })
  const refused = await refusedWebSocket(t, sidecar, { headers: BASIC })
  t.is(refused.status, 200)
  t.is(refused.text, 'plain HTTP')
  t.is(api.arrived[0]?.headers.upgrade, undefined)
})
