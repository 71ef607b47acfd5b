import { generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import test from 'ava'
import { SignJWT } from 'jose'
import type { JWTPayload } from 'jose'

import { IssuerUnavailableError } from '../../../src/errors.ts'
import { byPath, issuerServer, json, text } from '../../support/issuer-server.ts'
import type { IssuerServer } from '../../support/issuer-server.ts'
import { openIssuer } from './open.ts'

const NOW = new Date('2026-01-01T12:00:00Z')
const SECONDS = NOW.getTime() / 1000
const DISCOVERY = '/.well-known/openid-configuration'

interface Key {
  readonly publicKey: KeyObject
  readonly privateKey: KeyObject
}

const es256 = ec('P-256')
const [again, es384] = [ec('P-256'), ec('P-384')]
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
const cubic = generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })
const ed25519 = generateKeyPairSync('ed25519')

function ec(namedCurve: string): Key {
  return generateKeyPairSync('ec', { namedCurve })
}

function jwk({ publicKey }: Key, more: Readonly<Record<string, unknown>> = {}) {
  return { ...publicKey.export({ format: 'jwk' }), kid: 'k1', ...more }
}

interface Signing {
  readonly key?: Key
  readonly header?: Readonly<Record<string, unknown>>
  readonly claims?: Readonly<Record<string, unknown>>
}

/** A good access token of an issuer, but for what is said. */
function sign(issuer: string, { key = es256, header, claims }: Signing = {}): Promise<string> {
  const payload = {
    iss: issuer,
    aud: 'api',
    client_id: 'remote',
    scope: 'read',
    exp: SECONDS + 600,
    ...claims,
  } as JWTPayload
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'at+jwt', ...header })
    .sign(key.privateKey)
}

const SETTINGS = { jwks: {}, audience: ['api'] }

function publish(server: IssuerServer, keys: readonly unknown[]): void {
  server.reply = byPath({
    [DISCOVERY]: json({ issuer: server.url, jwks_uri: `${server.url}/jwks` }),
    '/jwks': json({ keys }),
  })
}

test('a JWT that one of its keys signed is who it says', async (t) => {
  const server = await issuerServer(t)
  publish(server, [jwk(es256)])
  const { introspect, calls } = await openIssuer(t, server.url, SETTINGS)
  const cnf = { 'x5t#S256': 'x' }
  const token = await sign(server.url, { claims: { cnf, aud: ['api', 'other'] } })
  t.deepEqual(await introspect(token, NOW), {
    active: true,
    issuer: server.url,
    clientId: 'remote',
    scopes: ['read'],
    audience: ['api', 'other'],
    expiresAt: new Date(NOW.getTime() + 600_000),
    confirmation: cnf,
  })
  await introspect(token, NOW)
  t.deepEqual(calls, ['discovery answered', 'jwks answered'])
})

const algorithms: readonly (readonly [string, Key])[] = [
  ['ES384', es384],
  ['RS256', rsa],
  ['PS256', rsa],
  ['EdDSA', ed25519],
  ['Ed25519', ed25519],
]

for (const [alg, key] of algorithms) {
  test(`${alg} counts`, async (t) => {
    const server = await issuerServer(t)
    publish(server, [jwk(key)])
    const { introspect } = await openIssuer(t, server.url, SETTINGS)
    t.like(await introspect(await sign(server.url, { key, header: { alg } }), NOW), {
      active: true,
    })
  })
}

const refusals: Readonly<Record<string, readonly [Signing, string]>> = {
  'of another issuer that has the same keys': [{ claims: { iss: 'https://b.example' } }, 'jwt-iss'],
  'without an issuer': [{ claims: { iss: undefined } }, 'jwt-iss'],
  'signed with another key': [{ key: again }, 'jwt-signature'],
  'that has ended': [{ claims: { exp: SECONDS - 61 } }, 'token-expired'],
  'that never ends': [{ claims: { exp: undefined } }, 'jwt-exp'],
  'that is not valid yet': [{ claims: { nbf: SECONDS + 61 } }, 'jwt-not-yet-valid'],
  'without a client': [{ claims: { client_id: undefined } }, 'token-client-missing'],
  'bound in an unknown way': [{ claims: { cnf: { other: 'x' } } }, 'token-binding-unreadable'],
  'of an unknown key': [{ header: { kid: 'k9' } }, 'jwt-kid-unknown'],
  'that is an id token': [{ header: { typ: 'JWT' } }, 'jwt-type'],
  'that does not say its type': [{ header: { typ: undefined } }, 'jwt-type'],
  'signed with an algorithm that is not allowed': [
    { key: rsa, header: { alg: 'RS512', kid: 'k2' } },
    'jwt-alg-not-allowed',
  ],
  'whose key is for another algorithm': [
    { key: rsa, header: { alg: 'PS256', kid: 'k3' } },
    'jwt-kid-unknown',
  ],
}

for (const [title, [signing, reason]] of Object.entries(refusals)) {
  test(`a JWT ${title} is refused`, async (t) => {
    const server = await issuerServer(t)
    publish(server, [jwk(es256), jwk(rsa, { kid: 'k2' }), jwk(rsa, { kid: 'k3', alg: 'RS256' })])
    const { introspect } = await openIssuer(t, server.url, SETTINGS)
    const token = await sign(server.url, signing)
    t.like(await introspect(token, NOW), { active: false, refusal: { reason } })
  })
}

test('no key that a token brings or points to is looked at, and no secret made of a public key', async (t) => {
  const server = await issuerServer(t)
  const trap = await issuerServer(t)
  trap.reply = json({ keys: [jwk(again)] })
  publish(server, [jwk(es256)])
  const { introspect } = await openIssuer(t, server.url, SETTINGS)
  const headers = [{ jwk: jwk(again) }, { jku: trap.url }, { x5u: trap.url }, { x5c: ['AAAA'] }]
  for (const header of headers) {
    const token = await sign(server.url, { key: again, header })
    t.like(await introspect(token, NOW), { refusal: { reason: 'jwt-signature' } })
  }
  t.is(trap.asked.length, 0)

  const claims = { iss: server.url, aud: 'api', client_id: 'remote', exp: SECONDS + 600 }
  const secret = es256.publicKey.export({ format: 'pem', type: 'spki' })
  const confused = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: 'k1', typ: 'at+jwt' })
    .sign(Buffer.from(secret))
  t.like(await introspect(confused, NOW), { refusal: { reason: 'jwt-alg-not-allowed' } })
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const unsigned = `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(claims)}.`
  t.like(await introspect(unsigned, NOW), { refusal: { reason: 'jwt-alg-not-allowed' } })
  const [head = '', body = ''] = (await sign(server.url)).split('.')
  t.like(await introspect(`${head}.${body}.`, NOW), { refusal: { reason: 'jwt-signature' } })
  t.like(await introspect('a.b.c', NOW), { refusal: { reason: 'jwt-malformed' } })
})

test('the clock of the issuer may be off by as much as is configured, and other types can be allowed', async (t) => {
  const server = await issuerServer(t)
  publish(server, [jwk(es256)])
  const { introspect } = await openIssuer(t, server.url, { ...SETTINGS, types: ['JWT'] })
  for (const claims of [{ exp: SECONDS - 59 }, { nbf: SECONDS + 60 }]) {
    const token = await sign(server.url, { claims, header: { typ: 'application/jwt' } })
    t.like(await introspect(token, NOW), { active: true })
  }
})

test('without a key id the only key that fits is taken, of several none', async (t) => {
  const server = await issuerServer(t)
  publish(server, [jwk(es256), jwk(es384, { kid: 'k2' })])
  const { introspect } = await openIssuer(t, server.url, SETTINGS)
  const token = await sign(server.url, { header: { kid: undefined } })
  t.like(await introspect(token, NOW), { active: true })
  publish(server, [jwk(es256), jwk(again, { kid: 'k2' })])
  const other = await openIssuer(t, server.url, SETTINGS)
  t.like(await other.introspect(token, NOW), { refusal: { reason: 'jwt-kid-unknown' } })
})

const unsound: Readonly<Record<string, readonly [readonly unknown[], Signing]>> = {
  'a short RSA key': [[jwk(weak)], { key: weak, header: { alg: 'RS256' } }],
  'an RSA key with a small exponent': [[jwk(cubic)], { key: cubic, header: { alg: 'RS256' } }],
  'a key for encryption': [[jwk(es256, { use: 'enc' })], {}],
  'a key that may only sign': [[jwk(es256, { key_ops: ['sign'] })], {}],
  'a private key': [[{ ...es256.privateKey.export({ format: 'jwk' }), kid: 'k1' }], {}],
  'one of two keys with one id': [[jwk(es256), jwk(again)], {}],
  'a point that is not on its curve': [[jwk(es256, { x: 'AAAA' })], {}],
}

for (const [title, [keys, signing]] of Object.entries(unsound)) {
  test(`${title} counts for nothing, and spoils no other key`, async (t) => {
    const server = await issuerServer(t)
    publish(server, [...keys, null, 7, { kty: 'oct', k: 'AAAA' }, {}, jwk(ed25519, { kid: 'k5' })])
    const { introspect } = await openIssuer(t, server.url, SETTINGS)
    const token = await weakly(server.url, signing)
    t.like(await introspect(token, NOW), { refusal: { reason: 'jwt-kid-unknown' } })
    const header = { alg: 'EdDSA', kid: 'k5' }
    const sound = await sign(server.url, { key: ed25519, header })
    t.like(await introspect(sound, NOW), { active: true })
  })
}

/** jose itself signs nothing with a short key. */
async function weakly(issuer: string, signing: Signing): Promise<string> {
  return sign(issuer, signing).catch(() =>
    sign(issuer, { header: { ...signing.header, alg: 'ES256' } }),
  )
}

test('an unknown key id makes the keys be fetched anew, but not often', async (t) => {
  const server = await issuerServer(t)
  publish(server, [jwk(es256)])
  const issuer = await openIssuer(t, server.url, SETTINGS)
  await issuer.introspect(await sign(server.url), NOW)
  publish(server, [jwk(es256), jwk(again, { kid: 'k2' })])
  const token = await sign(server.url, { key: again, header: { kid: 'k2' } })
  t.like(await issuer.introspect(token, NOW), { refusal: { reason: 'jwt-kid-unknown' } })
  issuer.pass(30_000)
  const all = await Promise.all([issuer.introspect(token, NOW), issuer.introspect(token, NOW)])
  t.true(all.every(({ active }) => active))
  for (let count = 0; count < 10; count++) {
    await issuer.introspect(await sign(server.url, { header: { kid: `x${count}` } }), NOW)
  }
  t.is(server.asked.filter(({ path }) => path === '/jwks').length, 2)
})

test('the last good keys count through an outage, for a bounded time', async (t) => {
  const server = await issuerServer(t)
  publish(server, [jwk(es256)])
  const settings = { ...SETTINGS, jwks: { maxAge: '10m', maxStale: '1h' } }
  const issuer = await openIssuer(t, server.url, settings)
  const token = await sign(server.url)
  await issuer.introspect(token, NOW)
  server.reply = text('gone', 'text/plain', 503)
  issuer.pass(600_000)
  t.like(await issuer.introspect(token, NOW), { active: true })
  while (issuer.failure() === undefined) await new Promise(setImmediate)
  t.regex(issuer.failure() ?? '', /status 503/)
  issuer.pass(3_599_000)
  t.like(await issuer.introspect(token, NOW), { active: true })
  while (issuer.calls.filter((call) => call === 'jwks failed').length < 2)
    await new Promise(setImmediate)
  issuer.pass(1000)
  await t.throwsAsync(issuer.introspect(token, NOW), { instanceOf: IssuerUnavailableError })

  publish(server, [jwk(es256)])
  issuer.pass(1000)
  t.like(await issuer.introspect(token, NOW), { active: true })
  t.is(issuer.failure(), undefined)
})

test('while an unknown key id cannot be looked up, nobody is told that the token is bad', async (t) => {
  const server = await issuerServer(t)
  publish(server, [jwk(es256)])
  const issuer = await openIssuer(t, server.url, SETTINGS)
  await issuer.introspect(await sign(server.url), NOW)
  server.reply = text('gone', 'text/plain', 503)
  issuer.pass(30_000)
  const token = await sign(server.url, { key: again, header: { kid: 'k2' } })
  await t.throwsAsync(issuer.introspect(token, NOW), { instanceOf: IssuerUnavailableError })
})

test('keys that cannot be had are not asked for again at once', async (t) => {
  const server = await issuerServer(t)
  server.reply = text('gone', 'text/plain', 503)
  const issuer = await openIssuer(t, server.url, SETTINGS)
  const token = await sign(server.url)
  for (let count = 0; count < 10; count++) {
    await t.throwsAsync(issuer.introspect(token, NOW), { instanceOf: IssuerUnavailableError })
  }
  t.is(server.asked.length, 1)
  issuer.pass(1000)
  await t.throwsAsync(issuer.introspect(token, NOW))
  t.is(server.asked.length, 2)
})

const lyingSets: Readonly<Record<string, unknown>> = {
  'no list of keys': { keys: {} },
  'a thousand keys': { keys: Array.from({ length: 1000 }, () => jwk(es256)) },
  'more than a quarter of a megabyte': { keys: [jwk(es256)], x: 'x'.repeat(300_000) },
}

for (const [title, set] of Object.entries(lyingSets)) {
  test(`${title} is no set of keys`, async (t) => {
    const server = await issuerServer(t)
    server.reply = json(set)
    const settings = { ...SETTINGS, jwks: { url: `${server.url}/jwks` } }
    const { introspect } = await openIssuer(t, server.url, settings)
    const error = { instanceOf: IssuerUnavailableError }
    await t.throwsAsync(introspect(await sign(server.url), NOW), error)
  })
}

test('the discovery document of another issuer is none', async (t) => {
  const server = await issuerServer(t)
  for (const issuer of [
    `${server.url}/`,
    server.url.toUpperCase(),
    'https://b.example',
    undefined,
  ]) {
    server.reply = json({ issuer, jwks_uri: `${server.url}/jwks` })
    const { introspect } = await openIssuer(t, server.url, SETTINGS)
    await t.throwsAsync(introspect(await sign(server.url), NOW), { message: /is of the issuer/ })
  }
})

test('discovery leads to no other host, unless that is allowed, and not from https to http', async (t) => {
  const server = await issuerServer(t)
  const other = await issuerServer(t)
  other.reply = json({ keys: [jwk(es256)] })
  server.reply = json({ issuer: server.url, jwks_uri: `${other.url}/jwks` })
  const closed = await openIssuer(t, server.url, SETTINGS)
  const token = await sign(server.url)
  await t.throwsAsync(closed.introspect(token, NOW), { message: /not in its hosts/ })
  const hosts = [new URL(other.url).host]
  const open = await openIssuer(t, server.url, { ...SETTINGS, hosts })
  t.like(await open.introspect(token, NOW), { active: true })

  for (const uri of ['file:///etc/passwd', 'ftp://localhost/jwks', `http://user@${hosts[0]}/`]) {
    server.reply = json({ issuer: server.url, jwks_uri: uri })
    const { introspect } = await openIssuer(t, server.url, { ...SETTINGS, hosts })
    await t.throwsAsync(introspect(token, NOW), { message: /not in its hosts/ })
  }
})

test('an issuer with a path is found by either kind of discovery', async (t) => {
  const server = await issuerServer(t)
  const issuer = `${server.url}/tenant`
  const document = json({ issuer, jwks_uri: `${server.url}/jwks` })
  const token = await sign(issuer)
  for (const where of [
    '/tenant/.well-known/openid-configuration',
    '/.well-known/oauth-authorization-server/tenant',
  ]) {
    server.reply = byPath({ [where]: document, '/jwks': json({ keys: [jwk(es256)] }) })
    const { introspect } = await openIssuer(t, issuer, SETTINGS)
    t.like(await introspect(token, NOW), { active: true })
  }
  server.reply = byPath({})
  const { introspect } = await openIssuer(t, issuer, SETTINGS)
  await t.throwsAsync(introspect(token, NOW), { message: /has no discovery document/ })
})
