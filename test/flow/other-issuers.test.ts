import test from 'ava'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'

import { callApi, tokenFor } from '../support/ask-about-token.ts'
import { secretClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { byPath, issuerServer, json } from '../support/issuer-server.ts'
import { GATE, remoteProvider } from '../support/oidc-provider.ts'
import type { RemoteProvider } from '../support/oidc-provider.ts'
import { pki } from '../support/pki.ts'
import { readOperations } from '../support/read-operations.ts'
import type { Ending } from '../support/recording-upstream.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'
import { assertRefused } from '../support/token-request.ts'

const INVALID_TOKEN = { status: 401, error: 'invalid_token' } as const
const UNAVAILABLE = { status: 503, error: 'temporarily_unavailable' } as const
const OURS = secretClient('orders', 'a generated secret', { clientName: 'The orders' })
const JWT = 'urn:jwt:orders'
const OPAQUE = 'urn:opaque:orders'

const ROUTES = [
  { path: '/orders/**', scopes: ['read'] },
  { path: '/admin/**', scopes: ['write'] },
]

function byKeys({ issuer }: Pick<RemoteProvider, 'issuer'>, more: object = {}) {
  return {
    issuer,
    jwks: {},
    audience: [JWT],
    clients: { remote: 'orders' },
    insecure: true,
    ...more,
  }
}

function byIntrospection({ issuer }: RemoteProvider, more: object = {}) {
  const introspection = { clientId: GATE.id, secret: { env: 'GATE' }, opaqueTokens: true }
  return { issuer, introspection, clients: { remote: 'orders' }, insecure: true, ...more }
}

function start(t: Ending, issuers: readonly object[], settings: object = {}): Promise<Running> {
  return startSidecar(t, {
    clients: [OURS],
    env: { GATE: GATE.secret },
    settings: { issuers, routes: ROUTES, ...settings },
  })
}

function introspections({ asked }: RemoteProvider): number {
  return asked.filter((path) => path === '/token/introspection').length
}

for (const [kind, resource, configured] of [
  ['JWT', JWT, byKeys],
  ['handle', OPAQUE, byIntrospection],
] as const) {
  test(`a ${kind} of another issuer is the client that it is mapped to, with its scopes`, async (t) => {
    const provider = await remoteProvider(t)
    const running = await start(t, [configured(provider)])
    const token = await provider.token({ resource, scope: 'read' })
    const answer = await callApi(running, token)
    t.is(answer.status, 200, answer.text)
    t.like(running.arrivedOf(answer)[0]?.headers, {
      'x-client-id': 'orders',
      'x-client-name': 'The orders',
      'x-client-scopes': 'read',
      'x-client-auth-method': 'bearer',
    })
    t.is(running.arrivedOf(answer)[0]?.headers.authorization, undefined)
    const headers = { authorization: `Bearer ${token}` }
    const admin = await running.send({ path: '/admin/1', headers })
    const refusal = { status: 403, error: 'insufficient_scope', reason: 'scope-missing' }
    assertRefused(t, running, admin, refusal)
  })

  test(`a ${kind} of a client that is not mapped is refused, or let in under a name of its own`, async (t) => {
    const provider = await remoteProvider(t)
    const token = await provider.token({ resource, client: 'stranger' })
    const closed = await start(t, [configured(provider)])
    assertRefused(t, closed, await callApi(closed, token), {
      ...INVALID_TOKEN,
      reason: 'client-not-mapped',
    })
    const open = await start(t, [configured(provider, { clientPrefix: 'idp:' })])
    const answer = await callApi(open, token)
    t.is(answer.status, 200, answer.text)
    t.is(open.arrivedOf(answer)[0]?.headers['x-client-id'], 'idp:stranger')
  })

  test(`a ${kind} for another audience is refused`, async (t) => {
    const provider = await remoteProvider(t)
    const running = await start(t, [configured(provider, { audience: ['urn:another'] })])
    const answer = await callApi(running, await provider.token({ resource }))
    assertRefused(t, running, answer, { ...INVALID_TOKEN, reason: 'token-audience' })
  })
}

test('a token of an issuer that is not configured is refused', async (t) => {
  const provider = await remoteProvider(t)
  const running = await start(t, [])
  for (const [resource, reason] of [
    [JWT, 'jwt-kid-unknown'],
    [OPAQUE, 'token-unknown'],
  ] as const) {
    const answer = await callApi(running, await provider.token({ resource }))
    assertRefused(t, running, answer, { ...INVALID_TOKEN, reason })
  }
})

test('an opaque token is shown to no issuer that is not said to take them', async (t) => {
  const provider = await remoteProvider(t)
  const introspection = { clientId: GATE.id, secret: { env: 'GATE' } }
  const running = await start(t, [byIntrospection(provider, { introspection })])
  const token = await provider.token({ resource: OPAQUE })
  const before = provider.asked.length
  const answer = await callApi(running, token)
  assertRefused(t, running, answer, { ...INVALID_TOKEN, reason: 'token-unknown' })
  t.is(provider.asked.length, before)
})

test('our own tokens count beside those of other issuers, and are shown to none of them', async (t) => {
  const provider = await remoteProvider(t)
  const handles = secretClient('handles', 'a generated secret', { accessTokenType: 'Reference' })
  const running = await startSidecar(t, {
    clients: [OURS, handles],
    env: { GATE: GATE.secret },
    settings: { issuers: [byIntrospection(provider)] },
  })
  for (const id of ['orders', 'handles']) {
    const token = await tokenFor(running, [id, 'a generated secret'])
    t.is((await callApi(running, token)).status, 200)
  }
  t.deepEqual(provider.asked, [])
})

test('fifty requests with one token ask once', async (t) => {
  const provider = await remoteProvider(t)
  const running = await start(t, [byIntrospection(provider)])
  const token = await provider.token({ resource: OPAQUE })
  const all = await Promise.all(Array.from({ length: 50 }, () => callApi(running, token)))
  t.true(all.every(({ status }) => status === 200))
  t.is(introspections(provider), 1)
})

test('a revocation at the issuer is noticed when what is remembered ends', async (t) => {
  const provider = await remoteProvider(t)
  const cache = { maxAge: '300ms' }
  const running = await start(t, [byIntrospection(provider)], { introspection: { cache } })
  const token = await provider.token({ resource: OPAQUE })
  t.is((await callApi(running, token)).status, 200)
  await provider.revoke(token)
  let status = 200
  while (status === 200) ({ status } = await callApi(running, token))
  t.is(status, 401)
})

test('while the issuer is gone a known token counts, an unknown one nobody can judge, and readiness says so', async (t) => {
  const provider = await remoteProvider(t)
  const cache = { maxAge: '100ms', maxStale: '1m' }
  const running = await start(t, [byIntrospection(provider)], { introspection: { cache } })
  const known = await provider.token({ resource: OPAQUE })
  const unknown = await provider.token({ resource: OPAQUE })
  t.is((await callApi(running, known)).status, 200)
  await provider.stop()
  for (let count = 0; count < 10; count++) {
    t.is((await callApi(running, known)).status, 200)
    const answer = await callApi(running, unknown)
    assertRefused(t, running, answer, { ...UNAVAILABLE, reason: 'issuer-unavailable' })
    t.deepEqual(running.arrivedOf(answer), [])
  }
  const ready = await readOperations(running, '/readyz')
  t.is(ready.status, 200)
  t.regex(
    ready.text,
    /^degraded: tokens of http:\/\/localhost:\d+ cannot be checked anew: .*ECONNREFUSED/m,
  )
  const metrics = await readOperations(running, '/metrics')
  t.regex(metrics.text, /^vouchgate_introspection_cache_stale_total [1-9]/m)
  t.regex(
    metrics.text,
    /^vouchgate_issuer_calls_total\{issuer="[^"]+",what="introspection",result="failed"\} [1-9]/m,
  )

  await provider.start()
  let { status } = await callApi(running, unknown)
  while (status !== 200) ({ status } = await callApi(running, unknown))
  t.notRegex((await readOperations(running, '/readyz')).text, /degraded/)
  await eventually(() => running.log.find(({ event }) => event === 'issuer.available'))
})

test('what is remembered outlives a reload that changes no issuer, and no change of one', async (t) => {
  const provider = await remoteProvider(t)
  const running = await start(t, [byIntrospection(provider)])
  const token = await provider.token({ resource: OPAQUE })
  t.is((await callApi(running, token)).status, 200)
  t.true(await running.sidecar.reload())
  t.is((await callApi(running, token)).status, 200)
  t.is(introspections(provider), 1)

  const configure = (issuers: readonly object[]) => {
    running.configure({ issuers, routes: ROUTES })
    return running.sidecar.reload()
  }
  t.true(await configure([byIntrospection(provider, { timeout: '3s' })]))
  t.is((await callApi(running, token)).status, 200)
  t.is(introspections(provider), 2)
  t.true(await configure([]))
  assertRefused(t, running, await callApi(running, token), {
    ...INVALID_TOKEN,
    reason: 'token-unknown',
  })
})

test('a token of another issuer that is bound to a certificate counts with that certificate alone', async (t) => {
  const { client, otherClient } = await pki()
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const server = await issuerServer(t)
  server.reply = byPath({
    '/.well-known/openid-configuration': json({
      issuer: server.url,
      jwks_uri: `${server.url}/jwks`,
    }),
    '/jwks': json({ keys: [{ ...(await exportJWK(publicKey)), kid: 'k1' }] }),
  })
  const running = await start(t, [byKeys({ issuer: server.url })])
  const thumbprint = Buffer.from(client.x509.fingerprint256.replaceAll(':', ''), 'hex')
  const token = await new SignJWT({
    client_id: 'remote',
    scope: 'read',
    cnf: { 'x5t#S256': thumbprint.toString('base64url') },
  })
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'at+jwt' })
    .setIssuer(server.url)
    .setAudience(JWT)
    .setExpirationTime('10m')
    .sign(privateKey)
  const call = (identity: { readonly cert?: string; readonly key?: string }) =>
    running.send({
      path: '/orders/1',
      headers: { authorization: `Bearer ${token}` },
      cert: identity.cert,
      key: identity.key,
    })
  for (const identity of [{}, otherClient]) {
    const refusal = { ...INVALID_TOKEN, reason: 'token-binding' }
    assertRefused(t, running, await call(identity), refusal)
  }
  t.is((await call(client)).status, 200)
  assertRefused(t, running, await call({}), { ...INVALID_TOKEN, reason: 'token-binding' })
})

test('an issuer whose key cannot be used, or that is us, keeps us from starting', async (t) => {
  const bad = {
    issuer: 'https://login.example',
    introspection: { clientId: 'us', method: 'private_key_jwt', key: 'bad.key' },
    clients: { a: 'nobody' },
  }
  const files = { 'bad.key': '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n' }
  const error = await t.throwsAsync(
    startSidecar(t, { settings: { issuers: [bad] }, files, clients: [OURS] }),
  )
  t.regex(error?.message ?? '', /issuers\.0\.introspection\.key: cannot be used/)
  t.regex(error?.message ?? '', /issuers\.0\.clients\.a: there is no client nobody/)
  const ours = byKeys({ issuer: 'https://sidecar.test' })
  const self = await t.throwsAsync(start(t, [ours]))
  t.regex(self?.message ?? '', /issuers\.0\.issuer: is our own/)
})
