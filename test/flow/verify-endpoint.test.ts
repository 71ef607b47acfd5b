import { connect as connectPlain } from 'node:net'
import { connect } from 'node:tls'

import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { basic } from '../support/send.ts'
import type { SendOptions } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'

const SECRET = 'a generated secret'
const AUTHORIZATION = basic('batch', SECRET)
/** Everything else comes from 127.0.0.1. */
const PROXY = '127.0.0.2'
const ROUTES = [
  { path: '/public', public: true },
  { path: '/orders/**', methods: ['GET'], scopes: ['read'] },
  { path: '/admin/**', scopes: ['admin'] },
]

const DIALECTS = {
  'x-original': (method: string, uri: string): SendOptions => ({
    path: '/connect/verify',
    headers: { 'X-Original-Method': method, 'X-Original-URI': uri },
  }),
  'x-forwarded': (method: string, uri: string): SendOptions => ({
    path: '/connect/verify',
    headers: { 'X-Forwarded-Method': method, 'X-Forwarded-Uri': uri },
  }),
  path: (method: string, uri: string): SendOptions => ({ method, path: `/connect/verify${uri}` }),
} as const
type Dialect = keyof typeof DIALECTS

const sidecars = new Map<Dialect, () => Running>()
for (const dialect of Object.keys(DIALECTS) as Dialect[]) {
  const running = sharedSidecar(test, async () => {
    const { server } = await pki()
    return {
      settings: {
        verify: { proxies: [PROXY], dialect },
        identity: { headers: ['generic', 'oauth2-proxy'] },
        routes: ROUTES,
        plugins: { options: { 'parsers/forwarded-client-certificate': { proxies: [PROXY] } } },
      },
      clients: [
        secretClient('batch', SECRET),
        await thumbprintClient('laptop'),
        // Somebody registered the proxy too.
        {
          clientId: 'proxy',
          clientSecrets: [{ type: 'X509Thumbprint', value: server.x509.fingerprint256 }],
        },
      ],
    }
  })
  sidecars.set(dialect, running)
}

function sidecarOf(dialect: Dialect): Running {
  const running = sidecars.get(dialect)
  if (!running) throw new Error(`there is no sidecar for ${dialect}`)
  return running()
}

async function thumbprintClient(clientId: string) {
  const { selfSignedClient } = await pki()
  const secret = { type: 'X509Thumbprint', value: selfSignedClient.x509.fingerprint256 }
  return { clientId, clientSecrets: [secret], allowedScopes: ['read'] }
}

/** Asks as a proxy does. @param proof headers of its client */
async function ask(
  dialect: Dialect,
  method: string,
  uri: string,
  proof: SendOptions['headers'] = { authorization: AUTHORIZATION },
  more: SendOptions = {},
) {
  const running = sidecarOf(dialect)
  const question = DIALECTS[dialect](method, uri)
  const headers = { ...question.headers, ...proof, ...more.headers }
  const answer = await running.send({ from: PROXY, ...question, ...more, headers })
  return { answer, running, refusal: running.refusalOf(answer) }
}

const IDENTITY = {
  'x-client-id': 'batch',
  'x-client-scopes': 'read write',
  'x-client-auth-method': 'client_secret_basic',
  'x-forwarded-user': 'batch',
  'x-forwarded-groups': 'read,write',
  'x-auth-request-user': 'batch',
} as const
/** What node:http adds to every answer. */
const HTTP = new Set(['connection', 'content-length', 'date', 'keep-alive'])

for (const dialect of Object.keys(DIALECTS) as Dialect[]) {
  test(`${dialect}: who may pass is told, in headers, and nothing else is`, async (t) => {
    const { answer, running } = await ask(dialect, 'GET', '/orders/1?token=x')
    t.is(answer.status, 200, answer.text)
    t.is(answer.text, '')
    t.like(answer.headers, IDENTITY)
    const names = Object.keys(answer.headers).filter((name) => !HTTP.has(name))
    t.true(names.every((name) => /^x-(client|forwarded|auth-request|request-id)/.test(name)))
    t.is(running.arrivedOf(answer).length, 0)
  })

  test(`${dialect}: whoever proves nothing is told how to`, async (t) => {
    const { answer, refusal } = await ask(dialect, 'GET', '/orders/1?token=x', {})
    t.is(answer.status, 401)
    t.deepEqual(
      answer.headers['www-authenticate'],
      'Bearer realm="vouchgate", Basic realm="vouchgate"',
    )
    t.like(refusal, { reason: 'no-credentials', method: 'GET', path: '/orders/1', status: 401 })
    t.false(Object.keys(answer.headers).some((name) => name.startsWith('x-client')))
  })

  test(`${dialect}: whoever may not is told what is lacking`, async (t) => {
    const { answer, refusal } = await ask(dialect, 'GET', '/admin/users')
    t.is(answer.status, 403)
    t.regex(String(answer.headers['www-authenticate']), /error="insufficient_scope", scope="admin"/)
    t.like(refusal, { reason: 'scope-missing', client: 'batch', path: '/admin/users' })
  })

  test(`${dialect}: on a public route nobody is named`, async (t) => {
    const { answer } = await ask(dialect, 'GET', '/public', {})
    t.is(answer.status, 200)
    const names = Object.keys(answer.headers).filter((name) => !HTTP.has(name))
    t.deepEqual(names, ['x-request-id'])
  })

  for (const [method, uri, reason] of [
    ['DELETE', '/orders/1', 'route-method'],
    ['TRACE', '/orders/1', 'method-refused'],
    ['GET', '/orders/%2e%2e/admin', 'path-encoded-dot'],
    ['GET', '/public;/admin/users', 'path-semicolon'],
    ['GET', '//admin/users', 'path-empty-segment'],
    ['GET', '/public/../admin', 'path-dot-segment'],
  ] as const)
    test(`${dialect}: ${method} ${uri} is refused as the gateway does, in a status that any proxy knows`, async (t) => {
      const { answer, running, refusal } = await ask(dialect, method, uri)
      // A path that cannot be read names no endpoint, so with `path` it is the gateway that refuses.
      const isOurs = dialect !== 'path' || !reason.startsWith('path-')
      t.is(answer.status, isOurs ? 403 : 400)
      t.is(refusal?.['reason'], reason)
      t.is(running.arrivedOf(answer).length, 0)
    })

  test(`${dialect}: nobody but the proxies may ask`, async (t) => {
    const { answer, refusal } = await ask(dialect, 'GET', '/orders/1', undefined, {
      from: '127.0.0.1',
    })
    t.is(answer.status, 403)
    t.like(refusal, { reason: 'verify-proxy-unknown', got: '127.0.0.1' })
    t.false('x-client-id' in answer.headers)
  })

  test(`${dialect}: the proxy’s own certificate proves nothing, one that it tells of does`, async (t) => {
    const { server, selfSignedClient } = await pki()
    const { cert, key } = server
    const bare = await ask(dialect, 'GET', '/orders/1', {}, { cert, key })
    t.is(bare.answer.status, 401)
    t.is(bare.refusal?.['reason'], 'no-credentials')
    const proof = { 'client-cert': `:${selfSignedClient.x509.raw.toString('base64')}:` }
    const { answer } = await ask(dialect, 'GET', '/orders/1', proof, { cert, key })
    t.is(answer.status, 200, answer.text)
    t.is(answer.headers['x-client-id'], 'laptop')
  })

  test(`${dialect}: a repeated credential is none`, async (t) => {
    const { answer, refusal } = await ask(dialect, 'GET', '/orders/1', {
      authorization: [AUTHORIZATION, AUTHORIZATION],
    })
    t.is(answer.status, 403)
    t.like(refusal, { reason: 'header-repeated', got: 'authorization' })
    t.is(answer.headers.connection, 'close')
  })

  test(`${dialect}: the headers of other dialects are the client’s own, and nothing`, async (t) => {
    const others = (Object.keys(DIALECTS) as Dialect[]).filter((one) => one !== dialect)
    for (const other of others) {
      const { headers = {} } = DIALECTS[other]('GET', '/public')
      const { answer } = await ask(dialect, 'GET', '/admin/users', {}, { headers })
      t.is(answer.status, 401)
    }
  })
}

for (const dialect of ['x-original', 'x-forwarded'] as const) {
  const own = DIALECTS[dialect]('GET', '/orders/1').headers ?? {}
  const [method = '', uri = ''] = Object.keys(own)
  for (const [what, headers, reason] of [
    ['without a method', { [uri]: '/orders/1' }, 'verify-original-missing'],
    ['without a target', { [method]: 'GET' }, 'verify-original-missing'],
    ['with an empty target', { ...own, [uri]: '' }, 'verify-original-missing'],
    ['with a whole URL', { ...own, [uri]: 'https://api/orders/1' }, 'verify-original-missing'],
    ['with two targets', { ...own, [uri]: ['/orders/1', '/public'] }, 'verify-original-repeated'],
    ['with two methods', { ...own, [method]: ['GET', 'GET'] }, 'verify-original-repeated'],
    ['with a method that is none', { ...own, [method]: 'GET /' }, 'verify-method-malformed'],
    // Another method, which no rule names: it must not fall to a laxer rule than the one for GET.
    ['with a method in lower case', { ...own, [method]: 'get' }, 'verify-method-malformed'],
    ['with other spellings', underscored(own), 'verify-original-missing'],
  ] as const)
    test(`${dialect}: a question ${what} is refused`, async (t) => {
      const running = sidecarOf(dialect)
      const answer = await running.send({
        from: PROXY,
        path: '/connect/verify',
        headers: { authorization: AUTHORIZATION, ...(headers as Record<string, string>) },
      })
      t.is(answer.status, 403)
      t.is(running.refusalOf(answer)?.['reason'], reason)
    })
}

function underscored(headers: NonNullable<SendOptions['headers']>) {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.replaceAll('-', '_'), value]),
  )
}

test('path: without anything behind the endpoint there is no question', async (t) => {
  for (const path of ['/connect/verify', '/connect/verify?x=/orders/1']) {
    const { answer, refusal } = await ask('path', 'GET', '', undefined, { path })
    t.is(answer.status, 403)
    t.is(refusal?.['reason'], 'verify-original-missing')
  }
})

test('a path that only begins like the endpoint is the API’s', async (t) => {
  const { answer, running } = await ask('x-original', 'GET', '/public', undefined, {
    path: '/connect/verifying',
  })
  t.is(answer.status, 200)
  t.is(running.arrivedOf(answer)[0]?.url, '/connect/verifying')
})

test('a body is not waited for', async (t) => {
  const { rootCa } = await pki()
  const plain = connectPlain({
    host: '127.0.0.1',
    port: sidecarOf('x-original').port,
    localAddress: PROXY,
  })
  const socket = connect({ socket: plain, servername: 'localhost', ca: rootCa.pem })
  t.teardown(() => socket.destroy())
  socket.write(
    'POST /connect/verify HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n' +
      `Authorization: ${AUTHORIZATION}\r\nX-Original-Method: GET\r\nX-Original-URI: /orders/1\r\n\r\n`,
  )
  const { promise, resolve } = Promise.withResolvers<string>()
  socket.once('data', (chunk: Buffer) => {
    resolve(chunk.toString())
  })
  t.regex(await promise, /^HTTP\/1\.1 200 OK\r\n[^]*X-Client-Id: batch\r\n/)
})

test('a set of headers that cannot be said lets nobody pass', async (t) => {
  const sidecar = await startSidecar(t, {
    settings: {
      verify: { proxies: ['127.0.0.1'], dialect: 'x-original' },
      plugins: ['more'],
      identity: { headers: ['generic', 'broken'] },
    },
    files: { 'more/identity-headers/broken.js': BROKEN },
    clients: [secretClient('batch', SECRET)],
  })
  const { path = '', headers = {} } = DIALECTS['x-original']('GET', '/orders/1')
  const proof = { authorization: AUTHORIZATION }
  const answer = await sidecar.send({ path, headers: { ...headers, ...proof } })
  t.is(answer.status, 500)
  t.is(sidecar.refusalOf(answer)?.['reason'], 'identity-headers-threw')
  t.false('x-client-id' in answer.headers)
})

const BROKEN = `export default {
  contract: 1,
  setup: () => ({ names: ['X-Broken'], headers() { throw new Error('no such tenant') } }),
}`

test('without the setting nobody may ask, wherever the endpoint is', async (t) => {
  const sidecar = await startSidecar(t, {
    settings: { endpoints: { prefix: '/auth' } },
    clients: [secretClient('batch', SECRET)],
  })
  const { headers = {} } = DIALECTS['x-original']('GET', '/orders/1')
  const asked = { ...headers, authorization: AUTHORIZATION }
  for (const path of ['/auth/connect/verify', '/auth/connect/verify/orders/1']) {
    const answer = await sidecar.send({ path, headers: asked })
    t.is(answer.status, 403)
    t.is(sidecar.refusalOf(answer)?.['reason'], 'verify-off')
    t.is(sidecar.upstream.arrived.length, 0)
  }
  const elsewhere = await sidecar.send({ path: '/connect/verify', headers: asked })
  t.is(sidecar.arrivedOf(elsewhere)[0]?.url, '/connect/verify')
})

test('the endpoint moves with the others', async (t) => {
  const sidecar = await startSidecar(t, {
    settings: {
      endpoints: { prefix: '/auth' },
      verify: { proxies: ['127.0.0.1'], dialect: 'path' },
    },
    clients: [secretClient('batch', SECRET)],
  })
  const headers = { authorization: AUTHORIZATION }
  const answer = await sidecar.send({ path: '/auth/connect/verify/orders/1', headers })
  t.is(answer.status, 200)
  t.is(answer.headers['x-client-id'], 'batch')
})

test('a proxy that is a client too does not pass for its clients', async (t) => {
  const { client } = await pki()
  const { fingerprint256: value } = client.x509
  const sidecar = await startSidecar(t, {
    settings: { verify: { proxies: ['127.0.0.1'], dialect: 'x-original' } },
    clients: [{ clientId: 'proxy', clientSecrets: [{ type: 'X509Thumbprint', value }] }],
  })
  const { cert, key } = client
  const { path = '', headers = {} } = DIALECTS['x-original']('GET', '/orders/1')
  t.is((await sidecar.send({ path, headers, cert, key })).status, 401)
  t.is((await sidecar.send({ path: '/orders/1', cert, key })).status, 200)
})

test('a proxy may have to show its certificate', async (t) => {
  const { client, otherClient } = await pki()
  const sidecar = await startSidecar(t, {
    settings: {
      verify: { certificates: [client.x509.fingerprint256], dialect: 'x-original' },
    },
    clients: [secretClient('batch', SECRET)],
  })
  const { path = '', headers = {} } = DIALECTS['x-original']('GET', '/orders/1')
  const question = { path, headers: { ...headers, authorization: AUTHORIZATION } }
  const { cert, key } = client
  t.is((await sidecar.send({ ...question, cert, key })).status, 200)
  for (const other of [{}, { cert: otherClient.cert, key: otherClient.key }]) {
    const answer = await sidecar.send({ ...question, ...other })
    t.is(answer.status, 403)
    t.is(sidecar.refusalOf(answer)?.['reason'], 'verify-proxy-unknown')
  }
})
