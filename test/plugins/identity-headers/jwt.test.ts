import { hash } from 'node:crypto'

import test from 'ava'
import { jwtVerify } from 'jose'

import type { ForwardedRequest, Principal } from '#contract'

import { assertions } from '../../../plugins/identity-headers/jwt/assertions.ts'
import type { AssertionRules } from '../../../plugins/identity-headers/jwt/assertions.ts'
import plugin from '../../../plugins/identity-headers/jwt/index.ts'
import { aForwarded, aHost, ISSUER, SIGNING_KEYS } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const PRINCIPAL: Principal = { clientId: 'orders', scopes: ['read', 'write'], method: 'bearer' }
const NOW = 1_800_000_000_000

/** Assertions at a time that the test sets. */
function maker(rules: Partial<AssertionRules> = {}) {
  const clock = { now: NOW }
  const make = assertions({ lifetime: 60, reuse: 0, ...rules }, aHost().signer, () => clock.now)
  return {
    clock,
    make: (principal: Partial<Principal> = {}, request: Partial<ForwardedRequest> = {}) =>
      make({ ...PRINCIPAL, ...principal }, aForwarded(request)),
  }
}

async function claimsOf(assertion: string, now = NOW) {
  const verified = await jwtVerify(assertion, SIGNING_KEYS.publicKey, {
    algorithms: ['ES256'],
    typ: 'vouchgate-assertion+jwt',
    issuer: ISSUER,
    currentDate: new Date(now),
  })
  return verified.payload
}

test('an assertion says who calls, for one upstream, method and path, for a minute', async (t) => {
  const request = { method: 'POST', path: '/orders/1', requestId: 'r-7' }
  t.deepEqual(await claimsOf(maker().make({}, request)), {
    iss: ISSUER,
    sub: 'orders',
    client_id: 'orders',
    scope: 'read write',
    auth_method: 'bearer',
    aud: 'http://127.0.0.1:8080',
    iat: NOW / 1000,
    exp: NOW / 1000 + 60,
    jti: 'r-7',
    htm: 'POST',
    htp: '/orders/1',
  })
})

test('it counts no longer than its lifetime', async (t) => {
  const assertion = maker({ lifetime: 5 }).make()
  await t.notThrowsAsync(claimsOf(assertion, NOW + 4_000))
  await t.throwsAsync(claimsOf(assertion, NOW + 6_000), { code: 'ERR_JWT_EXPIRED' })
})

test('it does not outlive the token that it stands for', async (t) => {
  const { exp } = await claimsOf(maker().make({ expiresAt: new Date(NOW + 9_500) }))
  t.is(exp, NOW / 1000 + 10)
  const later = await claimsOf(maker().make({ expiresAt: new Date(NOW + 3_600_000) }))
  t.is(later.exp, NOW / 1000 + 60)
})

test('the audience of the options counts', async (t) => {
  t.is((await claimsOf(maker({ audience: 'orders' }).make())).aud, 'orders')
  t.deepEqual((await claimsOf(maker({ audience: ['a', 'b'] }).make())).aud, ['a', 'b'])
})

test('without scopes there is no claim of them', async (t) => {
  t.false('scope' in (await claimsOf(maker().make({ scopes: [] }))))
})

test('a long path is told by its hash', async (t) => {
  const path = `/${'x'.repeat(1024)}`
  const claims = await claimsOf(maker().make({}, { path }))
  t.false('htp' in claims)
  t.is(claims['htp#S256'], hash('sha256', path, 'base64url'))
  t.is((await claimsOf(maker().make({}, { path: path.slice(1) })))['htp'], path.slice(1))
})

test('characters of any kind arrive as they are', async (t) => {
  const clientId = 'bätch "\r\n😀'
  t.is((await claimsOf(maker().make({ clientId }))).sub, clientId)
})

test('without reuse each request has an assertion of its own', async (t) => {
  const { make } = maker()
  const [one, other] = [make({}, { requestId: 'r-1' }), make({}, { requestId: 'r-2' })]
  t.is((await claimsOf(one)).jti, 'r-1')
  t.is((await claimsOf(other)).jti, 'r-2')
})

test('with reuse a like request has the same assertion for a while', (t) => {
  const { clock, make } = maker({ reuse: 5 })
  const first = make({}, { requestId: 'r-1' })
  clock.now += 4_999
  t.is(make({}, { requestId: 'r-2' }), first)
  clock.now += 1
  t.not(make({}, { requestId: 'r-3' }), first)
})

for (const [what, principal, request] of [
  ['client', { clientId: 'billing' }, {}],
  ['scope', { scopes: ['read'] }, {}],
  ['scope in two', { scopes: ['read write'] }, {}],
  ['proof', { method: 'tls_client_auth' }, {}],
  ['end of the proof', { expiresAt: new Date(NOW + 30_000) }, {}],
  ['method', {}, { method: 'DELETE' }],
  ['path', {}, { path: '/other' }],
  ['upstream', {}, { upstream: 'http://other:80' }],
] as const)
  test(`with reuse another ${what} has another assertion`, (t) => {
    const { make } = maker({ reuse: 5 })
    t.not(make(principal, request), make())
  })

test('the header is the one of the options, and the usual name stays ours', async (t) => {
  const usual = await setUp(plugin)
  t.deepEqual(usual.names, ['X-Vouchgate-Assertion'])
  t.deepEqual(Object.keys(usual.headers(PRINCIPAL, aForwarded())), ['X-Vouchgate-Assertion'])
  const other = await setUp(plugin, { header: 'X-Id-Token' })
  t.deepEqual(other.names, ['X-Id-Token', 'X-Vouchgate-Assertion'])
  t.deepEqual(Object.keys(other.headers(PRINCIPAL, aForwarded())), ['X-Id-Token'])
  const cased = await setUp(plugin, { header: 'x-vouchgate-assertion' })
  t.deepEqual(cased.names, ['x-vouchgate-assertion'])
})

test('in Authorization it is a bearer token', async (t) => {
  const part = await setUp(plugin, { header: 'Authorization' })
  const value = String(part.headers(PRINCIPAL, aForwarded())['Authorization'])
  t.regex(value, /^Bearer ey[\w-]+\.ey[\w-]+\.[\w-]{86}$/)
  t.is((await claimsOf(value.slice(7), Date.now())).sub, 'orders')
})

for (const options of [
  { lifetime: 4 },
  { lifetime: 301 },
  { reuse: -1 },
  { lifetime: 60, reuse: 31 },
  { header: 'X Id' },
  { header: 'X_Id' },
  { header: '' },
  { audience: [] },
  { audience: '' },
  { ttl: 5 },
])
  test(`the options ${JSON.stringify(options)} are refused`, async (t) => {
    await t.throwsAsync(setUp(plugin, options))
  })
