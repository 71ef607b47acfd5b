import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { basic } from '../support/send.ts'
import { sendRaw } from '../support/send-raw.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { tokenOf, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'

const running = sharedSidecar(test, {
  settings: {
    routes: [
      { path: '/health', public: true },
      { path: '/assets/**', methods: ['GET'], public: true },
      { path: '/orders/**', methods: ['GET'], scopes: ['orders.read'] },
      { path: '/orders/**', methods: ['POST', 'DELETE'], scopes: ['orders.read', 'orders.write'] },
      { path: '/reports/*', methods: ['GET'] },
    ],
  },
  clients: [
    secretClient('reader', SECRET, { allowedScopes: ['orders.read'] }),
    secretClient('writer', SECRET, { allowedScopes: ['orders.read', 'orders.write'] }),
    secretClient('nothing', SECRET, { allowedScopes: [] }),
  ],
})

/** A bearer token for all scopes of a client, as a header. */
async function bearer(t: Parameters<typeof tokenOf>[0], clientId: string, scope?: string) {
  const form = { client_id: clientId, client_secret: SECRET, ...(scope !== undefined && { scope }) }
  const token = tokenOf(t, await running().send(tokenRequest({ form })))
  return { authorization: `Bearer ${token}` }
}

for (const [method, path, clientId] of [
  ['GET', '/orders/1', 'reader'],
  ['HEAD', '/orders/1', 'reader'],
  ['GET', '/orders/', 'reader'],
  ['GET', '/orders', 'reader'],
  ['POST', '/orders/1', 'writer'],
  ['DELETE', '/orders/1/lines/2', 'writer'],
  ['GET', '/reports/2026', 'nothing'],
  ['GET', '/elsewhere', 'nothing'],
  ['PATCH', '/elsewhere', 'nothing'],
  ['GET', '/', 'nothing'],
] as const) {
  test(`${clientId} may ${method} ${path}, by a token and by its secret`, async (t) => {
    const direct = { authorization: basic(clientId, SECRET) }
    for (const headers of [await bearer(t, clientId), direct]) {
      const answer = await running().send({ method, path, headers })
      t.is(answer.status, 200, answer.text)
      t.like(running().arrivedOf(answer), [{ method, url: path }])
    }
  })
}

for (const [method, path, clientId, needed] of [
  ['POST', '/orders/1', 'reader', 'orders.read orders.write'],
  ['GET', '/orders/1', 'nothing', 'orders.read'],
  ['DELETE', '/orders/1', 'nothing', 'orders.read orders.write'],
] as const) {
  test(`${clientId} may not ${method} ${path} for want of a scope`, async (t) => {
    const direct = { authorization: basic(clientId, SECRET) }
    for (const headers of [await bearer(t, clientId), direct]) {
      const answer = await running().send({ method, path, headers })
      t.is(answer.status, 403)
      t.is(
        answer.headers['www-authenticate'],
        `Bearer realm="vouchgate", error="insufficient_scope", scope="${needed}"`,
      )
      t.is(answer.json()['error'], 'insufficient_scope')
      t.like(running().refusalOf(answer), {
        reason: 'scope-missing',
        client: clientId,
        want: needed,
      })
      t.deepEqual(running().arrivedOf(answer), [])
    }
  })
}

test('a token for fewer scopes than the client may have does only so much', async (t) => {
  const headers = await bearer(t, 'writer', 'orders.read')
  t.is((await running().send({ path: '/orders/1', headers })).status, 200)
  const answer = await running().send({ method: 'POST', path: '/orders/1', headers })
  t.is(answer.status, 403)
  t.like(running().refusalOf(answer), {
    reason: 'scope-missing',
    got: 'orders.read',
    hint: 'the client lacks orders.write',
  })
})

for (const path of ['/orders/1', '/ORDERS/1', '/reports/2026', '/elsewhere', '/', '/health/x']) {
  test(`nobody gets to ${path} unproven`, async (t) => {
    const answer = await running().send({ path })
    t.is(answer.status, 401)
    t.is(answer.headers['www-authenticate'], 'Bearer realm="vouchgate", Basic realm="vouchgate"')
    t.is(answer.headers['cache-control'], 'no-store')
    t.is(answer.headers['content-type'], 'application/json; charset=UTF-8')
    t.like(running().refusalOf(answer), { reason: 'no-credentials', path, status: 401 })
    t.deepEqual(running().arrivedOf(answer), [])
  })
}

for (const [path, authorization] of [
  ['/health', undefined],
  ['/assets/a/b.css', undefined],
  ['/health', 'Bearer of nothing'],
  ['/health', basic('nobody', 'nothing')],
  ['/health?x=1', undefined],
  ['/Health/', undefined],
] as const) {
  test(`everybody gets to ${path} with ${authorization ?? 'nothing'}`, async (t) => {
    const headers = authorization === undefined ? {} : { authorization }
    const answer = await running().send({ path, headers })
    t.is(answer.status, 200)
    const [arrived] = running().arrivedOf(answer)
    const names = Object.keys(arrived?.headers ?? {})
    t.deepEqual(
      names.filter((name) => name.startsWith('x-client')),
      [],
    )
    t.is(arrived?.headers['authorization'], undefined)
  })
}

for (const [method, path, allow] of [
  ['PUT', '/orders/1', 'GET, HEAD, POST, DELETE'],
  ['POST', '/reports/2026', 'GET, HEAD'],
  ['POST', '/assets/a.css', 'GET, HEAD'],
] as const) {
  test(`no rule admits ${method} ${path}, whoever asks`, async (t) => {
    for (const headers of [{}, await bearer(t, 'writer')]) {
      const answer = await running().send({ method, path, headers })
      t.is(answer.status, 405)
      t.is(answer.headers['allow'], allow)
      t.is(answer.headers['content-type'], 'application/problem+json')
      t.deepEqual(answer.json<unknown>(), {
        type: 'about:blank',
        title: 'Method Not Allowed',
        status: 405,
      })
      t.like(running().refusalOf(answer), { reason: 'route-method', got: method })
      t.deepEqual(running().arrivedOf(answer), [])
    }
  })
}

test('where paths are told apart to the letter, rules are too', async (t) => {
  const sidecar = await startSidecar(t, {
    settings: {
      paths: { ignoreCase: false, ignoreTrailingSlash: false },
      routes: [{ path: '/health', public: true }],
    },
  })
  t.is((await sidecar.send({ path: '/health' })).status, 200)
  for (const path of ['/Health', '/health/']) {
    t.is((await sidecar.send({ path })).status, 401, path)
  }
})

test('TRACE is for nobody: it would show what the upstream is told', async (t) => {
  const answer = await running().send({ method: 'TRACE', path: '/health' })
  t.is(answer.status, 501)
  t.is(running().refusalOf(answer)?.['reason'], 'method-refused')
})

for (const [target, reason] of [
  ['/health/../orders/1', 'path-dot-segment'],
  ['/health/./x', 'path-dot-segment'],
  ['/health/..', 'path-dot-segment'],
  ['/health/%2e%2e/orders/1', 'path-encoded-dot'],
  ['/health%2f..%2forders', 'path-encoded-slash'],
  ['/orders%5c1', 'path-encoded-backslash'],
  ['/orders\\1', 'path-backslash'],
  ['//orders/1', 'path-empty-segment'],
  ['/health//', 'path-empty-segment'],
  ['/health;x=1', 'path-semicolon'],
  ['/health%3bx', 'path-encoded-semicolon'],
  ['/%6frders/1', 'path-encoded-unreserved'],
  ['/orders/%', 'path-malformed-escape'],
  ['/orders/%00', 'path-encoded-nul'],
  ['/orders/%c0%ae', 'path-invalid-utf8'],
  ['/orders/%252e', 'path-encoded-percent'],
  ['/health#x', 'path-fragment'],
  ['https://localhost/health', 'path-absolute-form'],
] as const) {
  test(`the path ${target} could be understood in two ways`, async (t) => {
    const { authorization } = await bearer(t, 'writer')
    const text = await sendRaw(
      running().port,
      running().pki.rootCa.pem,
      `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: ${authorization}\r\n\r\n`,
    )
    t.regex(text, /^HTTP\/1\.1 400 /)
    const id = /x-request-id: (\S+)/i.exec(text)?.[1]
    const line = running()
      .refusals()
      .find(({ requestId }) => requestId === id)
    t.is(line?.['reason'], reason)
    t.true(running().upstream.arrived.every(({ headers }) => headers['x-request-id'] !== id))
  })
}

test('a path that is refused is not logged with its query', async (t) => {
  const answer = await running().send({ path: '/a//b?access_token=canary' })
  t.is(answer.status, 400)
  t.is(running().refusalOf(answer)?.['path'], '/a//b')
  t.false(JSON.stringify(running().log).includes('canary'))
})
