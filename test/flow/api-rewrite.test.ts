import test from 'ava'
import { decodeJwt } from 'jose'

import { secretClient } from '../support/clients.ts'
import { openWebSocket } from '../support/open-websocket.ts'
import { prepareConfiguration } from '../support/prepare-configuration.ts'
import { recordingUpstream } from '../support/recording-upstream.ts'
import type { RecordingUpstream } from '../support/recording-upstream.ts'
import { basic } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { webSocketUpstream } from '../support/websocket-upstream.ts'

const SECRET = 'a generated secret'
const HEADERS = { authorization: basic('batch', SECRET), host: 'sent.example' }

let reports: RecordingUpstream
const endings: (() => unknown)[] = []
test.after.always(() => {
  for (const end of endings) end()
})

const running = sharedSidecar(test, async () => {
  reports = await recordingUpstream({ teardown: (end) => endings.push(end) })
  return {
    settings: {
      upstreams: { reports: `http://127.0.0.1:${reports.port}` },
      routes: [
        { path: '/orders/internal/**', scopes: ['nobody.has.it'] },
        { path: '/orders/**', scopes: ['read'], rewrite: { stripPrefix: '/orders' } },
        {
          path: '/reports/**',
          upstream: 'reports',
          rewrite: { stripPrefix: '/reports', host: 'upstream' },
        },
        { path: '/public/**', public: true, rewrite: { stripPrefix: '/public', host: 'api:81' } },
        {
          path: '/headers',
          forwardAuthorization: true,
          rewrite: {
            setHeaders: {
              'X-Tenant': 'blue',
              'content-type': 'text/set',
              Authorization: { env: 'UPSTREAM_AUTHORIZATION' },
            },
            removeHeaders: ['Cookie', 'x-debug'],
          },
        },
      ],
    },
    env: { UPSTREAM_AUTHORIZATION: 'Basic for-the-upstream' },
    clients: [secretClient('batch', SECRET)],
  }
})

for (const [path, arrived] of [
  ['/orders/1', '/1'],
  ['/orders', '/'],
  ['/orders/', '/'],
  ['/orders?a=/orders', '/?a=/orders'],
  ['/ORDERS/1/?x', '/1/?x'],
  ['/orders/orders/%40me', '/orders/%40me'],
] as const) {
  test(`the upstream is asked for ${arrived} when the client asks for ${path}`, async (t) => {
    const answer = await running().send({ path, headers: HEADERS })
    t.is(answer.status, 200, answer.text)
    const [request] = running().arrivedOf(answer)
    t.is(request?.url, arrived)
    t.is(request?.headers['x-forwarded-prefix'], '/orders')
    t.is(request?.headers['host'], 'sent.example')
    t.is(request?.headers['x-forwarded-host'], 'sent.example')
  })
}

for (const [path, reason, status] of [
  ['/orders/internal/1', 'scope-missing', 403],
  ['/Orders/Internal', 'scope-missing', 403],
  ['/orders//internal/1', 'path-empty-segment', 400],
  ['/orders//', 'path-empty-segment', 400],
  ['/orders/./internal', 'path-dot-segment', 400],
  ['/orders/..%2finternal', 'path-encoded-slash', 400],
  ['/orders%2finternal', 'path-encoded-slash', 400],
] as const) {
  test(`what is decided is what the client asked for: ${path}`, async (t) => {
    const answer = await running().send({ path, headers: HEADERS })
    t.is(answer.status, status)
    t.like(running().refusalOf(answer), { reason, path })
    t.deepEqual(running().arrivedOf(answer), [])
  })
}

test('a prefix that the client names itself is never told, and stripping does not remove it elsewhere', async (t) => {
  const forged = { ...HEADERS, 'x-forwarded-prefix': '/forged', x_forwarded_prefix: '/forged' }
  const plain = await running().send({ path: '/elsewhere', headers: forged })
  t.is(running().arrivedOf(plain)[0]?.headers['x-forwarded-prefix'], undefined)
  const stripped = await running().send({ path: '/orders/1', headers: forged })
  const [request] = running().arrivedOf(stripped)
  t.is(request?.headers['x-forwarded-prefix'], '/orders')
  t.false(JSON.stringify(request?.rawHeaders).includes('forged'))
})

test('a route leads to the upstream that it names, under the name of that upstream', async (t) => {
  const answer = await running().send({ path: '/reports/2026?q', headers: HEADERS })
  t.is(answer.status, 200, answer.text)
  t.deepEqual(running().arrivedOf(answer), [])
  const request = reports.arrived.find(
    ({ headers }) => headers['x-request-id'] === answer.headers['x-request-id'],
  )
  t.is(request?.url, '/2026?q')
  t.is(request?.headers['host'], `127.0.0.1:${reports.port}`)
  t.is(request?.headers['x-forwarded-host'], 'sent.example')
  t.is(request?.headers['x-client-id'], 'batch')
})

test('on a public route too the path is rewritten, and the host set', async (t) => {
  const answer = await running().send({ path: '/public/a', headers: { 'x-client-id': 'forged' } })
  t.is(answer.status, 200, answer.text)
  const [request] = running().arrivedOf(answer)
  t.is(request?.url, '/a')
  t.is(request?.headers['host'], 'api:81')
  t.is(request?.headers['x-client-id'], undefined)
})

test('headers are set in the place of the client’s and removed, and what we say stays', async (t) => {
  const headers = {
    ...HEADERS,
    'X-Tenant': 'forged',
    x_tenant: 'forged',
    Cookie: 'a=1',
    X_Debug: '1',
    'content-type': 'text/sent',
    'x-other': 'kept',
  }
  const answer = await running().send({ path: '/headers', headers, body: 'hello' })
  t.is(answer.status, 200, answer.text)
  const [request] = running().arrivedOf(answer)
  t.like(request?.headers, {
    'x-tenant': 'blue',
    'content-type': 'text/set',
    'content-length': '5',
    authorization: 'Basic for-the-upstream',
    'x-other': 'kept',
    'x-client-id': 'batch',
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-prefix': undefined,
  })
  t.is(request?.body.toString(), 'hello')
  t.false(/forged|a=1|debug|text\/sent/i.test(JSON.stringify(request?.rawHeaders)))
})

test('what is opened by an upgrade is rewritten like any request', async (t) => {
  const api = await webSocketUpstream(t)
  const sidecar = await startSidecar(t, {
    settings: {
      upstream: `http://127.0.0.1:${api.port}`,
      routes: [
        {
          path: '/live/**',
          rewrite: { stripPrefix: '/live', host: 'api:81', setHeaders: { 'X-Tenant': 'blue' } },
        },
      ],
    },
    clients: [secretClient('batch', SECRET)],
  })
  const headers = { authorization: HEADERS.authorization, x_tenant: 'forged' }
  const { socket, ask } = await openWebSocket(t, sidecar, { path: '/live/7?x', headers })
  t.is((await ask('hello')).toString(), 'hello')
  socket.close()
  const [request] = api.arrived
  t.is(request?.url, '/7?x')
  t.like(request?.headers, {
    host: 'api:81',
    'x-tenant': 'blue',
    'x-forwarded-prefix': '/live',
    'x-client-id': 'batch',
  })
  t.false(JSON.stringify(request?.rawHeaders).includes('forged'))
})

test('an assertion speaks of what the upstream sees', async (t) => {
  const sidecar = await startSidecar(t, {
    settings: {
      identity: { headers: ['jwt'] },
      routes: [{ path: '/orders/**', rewrite: { stripPrefix: '/orders' } }],
    },
    clients: [secretClient('batch', SECRET)],
  })
  const answer = await sidecar.send({ path: '/Orders/7?x', headers: HEADERS })
  const assertion = String(sidecar.arrivedOf(answer)[0]?.headers['x-vouchgate-assertion'])
  t.like(decodeJwt(assertion), {
    htp: '/7',
    htm: 'GET',
    aud: `http://127.0.0.1:${sidecar.upstream.port}`,
    client_id: 'batch',
  })
})

test('what is wrong with a rewrite is said with its place, and no secret', async (t) => {
  const { lines } = await prepareConfiguration(t, {
    settings: {
      routes: [
        { path: '/a/**', upstream: 'nowhere', rewrite: { stripPrefix: '/b' } },
        {
          path: '/b/**',
          rewrite: {
            host: 'a b',
            setHeaders: { 'X-Client-Id': '1', Authorization: 'canary', 'X-Ok': 'x' },
            removeHeaders: ['Cookie', 'Host'],
          },
        },
      ],
    },
  })
  t.deepEqual(
    lines.map((line) => line.replace(/^error vouchgate\.yaml:\d+:\d+: /, '')).toSorted(),
    [
      'routes.0.rewrite.stripPrefix: is not what every path of "/a/**" begins with',
      'routes.0.upstream: there is no upstream nowhere',
      'routes.1.rewrite.host: is neither preserve, upstream nor a host name',
      'routes.1.rewrite.removeHeaders.1: Host cannot be removed: the message needs it',
      'routes.1.rewrite.setHeaders.Authorization: must be kept elsewhere; write { env: NAME } for an environment variable, or { file: path }',
      'routes.1.rewrite.setHeaders.X-Client-Id: cannot be set: it frames the message, belongs to the connection, or is said by us',
    ],
  )
  t.true(
    lines.every((line) => /^error vouchgate\.yaml:\d+:\d+: /.test(line)),
    lines.join('\n'),
  )
  t.false(lines.join('\n').includes('canary'))
})
