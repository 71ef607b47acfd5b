import { generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import test from 'ava'
import { SignJWT } from 'jose'

import type { Attempt, PluginHost, Secret } from '#contract'

import { memoryStore } from '../../../plugins/state-stores/memory.ts'
import plugin from '../../../plugins/validators/private-key-jwt/index.ts'
import { issueCertificate } from '../../../src/certificates/issue-certificate.ts'
import {
  IN_2020 as NOW,
  ISSUER,
  TOKEN_ENDPOINT,
  aHost,
  aSecret,
  anAttempt,
} from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const SECONDS = NOW.getTime() / 1000
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 })
const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const OTHER = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const P384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const P521 = generateKeyPairSync('ec', { namedCurve: 'P-521' })
const ED25519 = generateKeyPairSync('ed25519')

const validator = await setUp(plugin)
const lenient = await setUp(plugin, { audience: 'legacy' })
const strict = await setUp(plugin, { audience: 'strict' })

function jwk(key: KeyObject, members = {}, properties = {}): Secret {
  return aSecret(
    'JWK',
    JSON.stringify({ ...key.export({ format: 'jwk' }), ...members }),
    properties,
  )
}

const KEY = jwk(P256.publicKey)

interface Overrides {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly key?: KeyObject
}

/** Signs an assertion that is right in everything but the overrides; `undefined` leaves a member out. */
async function signed({ claims, header, key = P256.privateKey }: Overrides = {}): Promise<string> {
  const payload = {
    iss: 'orders',
    sub: 'orders',
    aud: ISSUER,
    jti: 'a-1',
    iat: SECONDS,
    exp: SECONDS + 60,
    ...claims,
  }
  return await new SignJWT(payload).setProtectedHeader({ alg: 'ES256', ...header }).sign(key)
}

function encoded(header: unknown, payload: unknown): string {
  return [header, payload]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
}

async function judge(
  assertion: string,
  secrets: readonly Secret[] = [KEY],
  overrides: Partial<Attempt<'jwt_assertion'>> = {},
  from = validator,
) {
  const credential = { kind: 'jwt_assertion', assertion, claimedClientId: 'orders' } as const
  return await from.validate(anAttempt(credential, secrets, overrides))
}

async function certificate(notAfter: Date, key: KeyObject = P256.privateKey) {
  return await issueCertificate({
    subject: 'CN=orders',
    notBefore: new Date('2019-01-01T00:00:00Z'),
    notAfter,
    privateKey: key,
  })
}

test('an assertion that is right in everything is accepted', async (t) => {
  t.deepEqual(await judge(await signed()), { ok: true, secret: KEY })
})

for (const [alg, { privateKey, publicKey }] of [
  ['RS256', RSA],
  ['RS384', RSA],
  ['RS512', RSA],
  ['PS256', RSA],
  ['PS384', RSA],
  ['PS512', RSA],
  ['ES256', P256],
  ['ES384', P384],
  ['ES512', P521],
  ['EdDSA', ED25519],
  ['Ed25519', ED25519],
] as const)
  test(`${alg} is accepted from its key and from no other`, async (t) => {
    const secret = jwk(publicKey)
    const others = [RSA, P256, P384, P521, ED25519]
      .map((pair) => jwk(pair.publicKey))
      .filter(({ value }) => value !== secret.value)
    const assertion = await signed({ key: privateKey, header: { alg } })
    t.deepEqual(await judge(assertion, [...others, secret]), { ok: true, secret })
    t.like(await judge(assertion, others), { ok: false, reason: 'jwt-alg-not-allowed' })
    const [head = '', body = '', signature = ''] = assertion.split('.')
    const flipped = Buffer.from(signature, 'base64url')
    flipped[10] = (flipped[10] ?? 0) ^ 1
    const forged = `${head}.${body}.${flipped.toString('base64url')}`
    t.like(await judge(forged, [secret]), { ok: false, reason: 'jwt-signature' })
  })

for (const [what, claims, reason] of [
  ['no iss', { iss: undefined }, 'jwt-iss'],
  ['the iss of another client', { iss: 'billing' }, 'jwt-iss'],
  ['an iss in an array', { iss: ['orders'] }, 'jwt-iss'],
  ['an iss in another letter case', { iss: 'Orders' }, 'jwt-iss'],
  ['no sub', { sub: undefined }, 'jwt-sub'],
  ['the sub of another client', { sub: 'billing' }, 'jwt-sub'],
  ['no aud', { aud: undefined }, 'jwt-aud'],
  ['the aud of another server', { aud: 'https://other.example' }, 'jwt-aud'],
  ['an empty aud', { aud: '' }, 'jwt-aud'],
  ['an aud of null', { aud: null }, 'jwt-aud'],
  ['an empty array as aud', { aud: [] }, 'jwt-aud'],
  ['an object as aud', { aud: { 0: ISSUER } }, 'jwt-aud'],
  ['a nested aud', { aud: [[ISSUER]] }, 'jwt-aud'],
  ['an aud that is not all text', { aud: [ISSUER, 5] }, 'jwt-aud'],
  ['the issuer and another server as aud', { aud: [ISSUER, 'https://other.example'] }, 'jwt-aud'],
  ['the token endpoint as aud', { aud: TOKEN_ENDPOINT }, 'jwt-aud'],
  ['an aud that begins like the issuer', { aud: `${ISSUER}/connect` }, 'jwt-aud'],
  ['no exp', { exp: undefined }, 'jwt-exp'],
  ['a text as exp', { exp: String(SECONDS + 60) }, 'jwt-exp'],
  ['an exp of null', { exp: null }, 'jwt-exp'],
  ['an exp just past the skew', { exp: SECONDS - 60 }, 'jwt-expired'],
  ['an exp of zero', { exp: 0 }, 'jwt-expired'],
  ['an exp in ten years', { exp: SECONDS + 315_360_000 }, 'assertion-lifetime'],
  ['an exp beyond the lifetime', { exp: SECONDS + 361 }, 'assertion-lifetime'],
  ['an iat beyond the skew', { iat: SECONDS + 61 }, 'jwt-not-yet-valid'],
  ['a text as iat', { iat: 'now' }, 'jwt-iat'],
  ['an nbf beyond the skew', { nbf: SECONDS + 61 }, 'jwt-not-yet-valid'],
  ['an nbf of null', { nbf: null }, 'jwt-nbf'],
  ['no jti', { jti: undefined }, 'jwt-jti'],
  ['an empty jti', { jti: '' }, 'jwt-jti'],
  ['a number as jti', { jti: 1 }, 'jwt-jti'],
  ['an endless jti', { jti: 'j'.repeat(257) }, 'jwt-jti'],
] as const)
  test(`an assertion with ${what} is refused: ${reason}`, async (t) => {
    const replay = { claim: async () => t.fail('claimed') }
    t.like(await judge(await signed({ claims }), [KEY], { replay }), {
      ok: false,
      reason,
      considered: [{ secret: KEY, reason }],
    })
  })

test('an exp that is no finite number is refused', async (t) => {
  const input = `${encoded({ alg: 'ES256' }, {}).split('.')[0]}.${Buffer.from(
    `{"iss":"orders","sub":"orders","aud":"${ISSUER}","jti":"1","exp":1e400}`,
  ).toString('base64url')}`
  const key = { key: P256.privateKey, dsaEncoding: 'ieee-p1363' } as const
  const signature = sign('sha256', Buffer.from(input), key).toString('base64url')
  t.like(await judge(`${input}.${signature}`), { ok: false, reason: 'jwt-exp' })
})

for (const [what, claims] of [
  ['the issuer in an array of one', { aud: [ISSUER] }],
  ['the issuer with a slash at the end', { aud: `${ISSUER}/` }],
  ['an exp within the skew', { exp: SECONDS - 59 }],
  ['the longest lifetime', { exp: SECONDS + 360 }],
  ['an iat 5 s ahead', { iat: SECONDS + 5 }],
  ['neither iat nor nbf', { iat: undefined, nbf: undefined }],
  ['fractions of seconds', { exp: SECONDS + 59.5, iat: SECONDS - 0.5 }],
  ['the longest jti', { jti: 'j'.repeat(256) }],
] as const)
  test(`an assertion with ${what} is accepted`, async (t) => {
    t.like(await judge(await signed({ claims })), { ok: true })
  })

test('the operator sees both audiences, shortened, and what to do', async (t) => {
  t.like(await judge(await signed({ claims: { aud: TOKEN_ENDPOINT } })), {
    got: `"${TOKEN_ENDPOINT}"`,
    want: `"${ISSUER}"`,
    hint: 'the client signs for an endpoint; let it name the issuer, or set audience: legacy',
  })
  const verdict = await judge(await signed({ claims: { aud: 'x'.repeat(10_000) } }))
  t.is(verdict.ok ? undefined : verdict.got?.length, 201)
})

for (const [mode, from, aud, typ, reason] of [
  ['issuer', validator, ISSUER, undefined, undefined],
  ['issuer', validator, TOKEN_ENDPOINT, undefined, 'jwt-aud'],
  ['legacy', lenient, ISSUER, undefined, undefined],
  ['legacy', lenient, TOKEN_ENDPOINT, undefined, undefined],
  ['legacy', lenient, [ISSUER, TOKEN_ENDPOINT], 'JWT', undefined],
  ['legacy', lenient, ['https://other.example', TOKEN_ENDPOINT], 'JWT', undefined],
  ['legacy', lenient, ['https://other.example'], 'JWT', 'jwt-aud'],
  ['legacy', lenient, [TOKEN_ENDPOINT, 5], 'JWT', 'jwt-aud'],
  ['legacy', lenient, TOKEN_ENDPOINT, 'client-authentication+jwt', 'jwt-aud'],
  ['legacy', lenient, ISSUER, 'client-authentication+jwt', undefined],
  ['strict', strict, ISSUER, 'client-authentication+jwt', undefined],
  ['strict', strict, [ISSUER], 'application/Client-Authentication+JWT', undefined],
  ['strict', strict, [ISSUER, TOKEN_ENDPOINT], 'client-authentication+jwt', 'jwt-aud'],
  ['strict', strict, TOKEN_ENDPOINT, 'client-authentication+jwt', 'jwt-aud'],
  ['strict', strict, ISSUER, 'JWT', 'jwt-typ'],
  ['strict', strict, ISSUER, undefined, 'jwt-typ'],
] as const)
  test(`audience ${mode}: ${JSON.stringify(aud)} with typ ${typ}: ${reason ?? 'accepted'}`, async (t) => {
    const assertion = await signed({ claims: { aud }, header: { typ } })
    const verdict = await judge(assertion, [KEY], {}, from)
    t.is(verdict.ok ? undefined : verdict.reason, reason)
  })

test('without an audience of our own nothing is accepted', async (t) => {
  for (const from of [validator, lenient, strict])
    for (const aud of [undefined, '', []]) {
      const header = { typ: 'client-authentication+jwt' }
      const assertion = await signed({ claims: { aud }, header })
      t.like(await judge(assertion, [KEY], { audiences: [] }, from), {
        ok: false,
        reason: 'jwt-aud',
      })
    }
})

for (const [what, header, reason] of [
  ['the type of an access token', { typ: 'at+jwt' }, 'jwt-typ'],
  ['the type of a DPoP proof', { typ: 'dpop+jwt' }, 'jwt-typ'],
  ['a number as type', { typ: 5 }, 'jwt-typ'],
  ['crit', { crit: ['exp'], exp: 1 }, 'jwt-crit'],
  ['an empty crit', { crit: [] }, 'jwt-crit'],
  ['an unencoded payload', { b64: false }, 'jwt-crit'],
  ['the alg none', { alg: 'none' }, 'jwt-alg-not-allowed'],
  ['the alg nOnE', { alg: 'nOnE' }, 'jwt-alg-not-allowed'],
  ['no alg', { alg: undefined }, 'jwt-alg-not-allowed'],
  ['an empty alg', { alg: '' }, 'jwt-alg-not-allowed'],
  ['an alg of the object prototype', { alg: 'constructor' }, 'jwt-alg-not-allowed'],
  ['a symmetric alg', { alg: 'HS256' }, 'jwt-alg-not-allowed'],
  ['an alg in an array', { alg: ['ES256'] }, 'jwt-alg-not-allowed'],
  ['an unknown alg', { alg: 'ES256K' }, 'jwt-alg-not-allowed'],
] as const)
  test(`a header with ${what} is refused: ${reason}`, async (t) => {
    const [, payload = '', signature = ''] = (await signed()).split('.')
    const head = encoded({ alg: 'ES256', ...header }, {}).split('.')[0]
    t.like(await judge(`${head}.${payload}.${signature}`), { ok: false, reason })
  })

test('an alg that the options leave out is refused', async (t) => {
  const narrow = await setUp(plugin, { algorithms: ['PS256', 'ES256'] })
  t.deepEqual(narrow.signingAlgorithms, ['PS256', 'ES256'])
  t.like(await judge(await signed(), [KEY], {}, narrow), { ok: true })
  const assertion = await signed({ key: RSA.privateKey, header: { alg: 'RS256' } })
  t.like(await judge(assertion, [jwk(RSA.publicKey)], {}, narrow), {
    reason: 'jwt-alg-not-allowed',
    got: '"RS256"',
    want: 'PS256, ES256',
  })
  await t.throwsAsync(setUp(plugin, { algorithms: ['HS256'] }))
  await t.throwsAsync(setUp(plugin, { algorithms: ['none'] }))
})

test('an alg that the secret leaves out is refused', async (t) => {
  const secret = jwk(RSA.publicKey, {}, { algorithms: ['PS256'] })
  const assert = async (alg: string) =>
    await judge(await signed({ key: RSA.privateKey, header: { alg } }), [secret])
  t.like(await assert('PS256'), { ok: true })
  t.like(await assert('RS256'), { ok: false, reason: 'jwt-alg-not-allowed', want: 'PS256' })
})

test('an EC signature in DER form is refused', async (t) => {
  const input = encoded({ alg: 'ES256' }, { iss: 'orders', sub: 'orders' })
  const der = sign('sha256', Buffer.from(input), P256.privateKey).toString('base64url')
  t.like(await judge(`${input}.${der}`), { ok: false, reason: 'jwt-signature' })
})

test("another client's key is refused", async (t) => {
  t.like(await judge(await signed({ key: OTHER.privateKey })), {
    ok: false,
    reason: 'jwt-signature',
    considered: [{ secret: KEY, reason: 'jwt-signature' }],
  })
})

test('keys that the header carries or points to are never used', async (t) => {
  const header = {
    jwk: OTHER.publicKey.export({ format: 'jwk' }),
    jku: 'https://attacker.example/jwks',
    x5u: 'https://attacker.example/cert',
  }
  t.like(await judge(await signed({ key: OTHER.privateKey, header })), {
    ok: false,
    reason: 'jwt-signature',
    hint: 'keys in the header (jwk, jku, x5u) are not used; only registered ones count',
  })
  t.like(await judge(await signed({ header })), { ok: true })
})

test('the public key does not serve as a shared secret', async (t) => {
  const key = Buffer.from(P256.publicKey.export({ format: 'pem', type: 'spki' }))
  const assertion = await new SignJWT({ iss: 'orders' })
    .setProtectedHeader({ alg: 'HS256' })
    .sign(key)
  t.like(await judge(assertion), { ok: false, reason: 'jwt-alg-not-allowed' })
})

test('kid chooses among keys that have one; keys without one stay in question', async (t) => {
  const secrets = [jwk(OTHER.publicKey, { kid: 'old' }), jwk(P256.publicKey, { kid: 'new' })]
  const judged = async (kid: string | undefined) =>
    await judge(await signed({ header: { kid } }), secrets)
  t.like(await judged('new'), { ok: true, secret: secrets[1] })
  t.like(await judged(undefined), { ok: true, secret: secrets[1] })
  t.like(await judged('old'), { ok: false, reason: 'jwt-signature' })
  t.like(await judged('other'), { ok: false, reason: 'jwt-kid-unknown', got: 'kid "other"' })
  t.like(await judge(await signed({ header: { kid: 'any' } })), { ok: true, secret: KEY })
})

test('of very many keys without kid only the first are tried', async (t) => {
  const eight = Array.from({ length: 8 }, () => jwk(OTHER.publicKey))
  const verdict = await judge(await signed(), [...eight, KEY])
  t.deepEqual(verdict.ok ? [] : verdict.considered?.map(({ reason }) => reason), [
    ...eight.map(() => 'jwt-signature'),
    'not-tried',
  ])
  t.like(await judge(await signed(), [...eight.slice(1), KEY]), { ok: true })
})

test('one bad secret never disables another', async (t) => {
  const bad = [aSecret('JWK', '{'), aSecret('X509CertificateBase64', 'AAAA'), aSecret('JWK', '{}')]
  t.like(await judge(await signed(), [...bad, KEY]), { ok: true, secret: KEY })
  t.like(await judge(await signed(), bad), { ok: false, reason: 'jwt-signature' })
})

test('a certificate holds a key, as base64 of its DER or as PEM', async (t) => {
  const { pem, certificate: der } = await certificate(new Date('2021-01-01'))
  const base64 = Buffer.from(der).toString('base64')
  for (const value of [base64, `${base64.slice(0, 64)}\r\n${base64.slice(64)}\n`, pem]) {
    const secret = aSecret('X509CertificateBase64', value)
    t.is(validator.inspect?.(secret).fault, undefined)
    t.like(await judge(await signed(), [secret]), { ok: true, secret })
  }
})

test('x5t and x5t#S256 choose among certificates', async (t) => {
  const [a, b] = await Promise.all([
    certificate(new Date('2021-01-01')),
    certificate(new Date('2021-02-01')),
  ])
  const secrets = [a, b].map(({ certificate: der }) =>
    aSecret('X509CertificateBase64', Buffer.from(der).toString('base64')),
  )
  const x5t = Buffer.from(b.x509.fingerprint.replaceAll(':', ''), 'hex').toString('base64url')
  const x5tS256 = Buffer.from(b.x509.fingerprint256.replaceAll(':', ''), 'hex').toString(
    'base64url',
  )
  for (const header of [{ x5t }, { 'x5t#S256': x5tS256 }, { x5t, kid: 'whatever' }])
    t.like(await judge(await signed({ header }), secrets), { ok: true, secret: secrets[1] })
  t.like(await judge(await signed({ header: { x5t: 'AAAA' } }), secrets), {
    ok: false,
    reason: 'jwt-kid-unknown',
    got: 'x5t "AAAA"',
  })
})

test('the dates of a certificate count unless the secret says that it merely holds the key', async (t) => {
  const value = (await certificate(new Date('2020-01-01'))).x509.raw.toString('base64')
  const enforced = aSecret('X509CertificateBase64', value)
  const ignored = aSecret('X509CertificateBase64', value, { validity: 'ignore' })
  t.like(await judge(await signed(), [enforced]), {
    ok: false,
    reason: 'cert-expired',
    considered: [{ secret: enforced, reason: 'cert-expired' }],
  })
  t.like(await judge(await signed(), [enforced, ignored]), { ok: true, secret: ignored })
  t.deepEqual(validator.inspect?.(ignored), { warning: 'the certificate expired on 2020-01-01' })

  const early = { now: new Date('2018-06-01T00:00:00Z') }
  const seconds = early.now.getTime() / 1000
  const assertion = await signed({ claims: { iat: seconds, exp: seconds + 60 } })
  t.like(await judge(assertion, [enforced], early), { ok: false, reason: 'cert-not-yet-valid' })
})

const COMPATIBLE: Partial<PluginHost> = { compatibility: 'identityserver4' }

test('by the rules of IdentityServer an expired certificate holds its key, with a warning', async (t) => {
  const compatible = await setUp(plugin, {}, aHost(COMPATIBLE))
  const value = (await certificate(new Date('2020-01-01'))).x509.raw.toString('base64')
  const secret = aSecret('X509CertificateBase64', value)
  const enforced = aSecret('X509CertificateBase64', value, { validity: 'enforce' })
  t.regex(compatible.inspect?.(secret).warning ?? '', /expired/)
  t.like(await judge(await signed(), [secret], {}, compatible), { ok: true })
  t.like(await judge(await signed(), [enforced], {}, compatible), { reason: 'cert-expired' })
})

test('by the rules of IdentityServer endpoints are audiences and the skew is five minutes', async (t) => {
  const compatible = await setUp(plugin, {}, aHost(COMPATIBLE))
  const claims = { aud: TOKEN_ENDPOINT, exp: SECONDS - 299, iat: SECONDS + 299 }
  t.like(await judge(await signed({ claims }), [KEY], {}, compatible), { ok: true })
  const late = await signed({ claims: { exp: SECONDS - 300 } })
  t.like(await judge(late, [KEY], {}, compatible), { reason: 'jwt-expired' })
  const explicit = await setUp(plugin, { audience: 'issuer', clockSkew: '10s' }, aHost(COMPATIBLE))
  t.like(await judge(await signed({ claims }), [KEY], {}, explicit), { reason: 'jwt-aud' })
  const skewed = await signed({ claims: { exp: SECONDS - 11 } })
  t.like(await judge(skewed, [KEY], {}, explicit), { reason: 'jwt-expired' })
})

test('by the rules of IdentityServer an assertion may live for an hour', async (t) => {
  const compatible = await setUp(plugin, {}, aHost(COMPATIBLE))
  const judged = async (exp: number) =>
    await judge(await signed({ claims: { exp } }), [KEY], {}, compatible)
  t.like(await judged(SECONDS + 3600), { ok: true })
  t.like(await judged(SECONDS + 3600 + 301), { reason: 'assertion-lifetime' })
})

test('lifetime and skew are options', async (t) => {
  const wide = await setUp(plugin, { maxLifetime: '15m', clockSkew: '0s' })
  const judged = async (claims: object) =>
    await judge(await signed({ claims: { ...claims } }), [KEY], {}, wide)
  t.like(await judged({ exp: SECONDS + 900 }), { ok: true })
  t.like(await judged({ exp: SECONDS + 901 }), { reason: 'assertion-lifetime' })
  t.like(await judged({ iat: SECONDS + 1 }), { reason: 'jwt-not-yet-valid' })
  t.like(await judged({ exp: SECONDS }), { reason: 'jwt-expired' })
  await t.throwsAsync(setUp(plugin, { maxLifetime: 300 }))
})

test('an assertion is accepted once', async (t) => {
  const store = memoryStore({ maxEntries: 10 })
  const replay = { claim: async (key: string, until: Date) => await store.add(key, '', until) }
  const assertion = await signed({
    claims: { exp: Math.floor(Date.now() / 1000) + 60, iat: undefined },
  })
  const attempt = { replay, now: new Date() }
  t.like(await judge(assertion, [KEY], attempt), { ok: true })
  t.like(await judge(assertion, [KEY], attempt), {
    ok: false,
    reason: 'jwt-jti-replayed',
    considered: [{ secret: KEY, reason: 'jwt-jti-replayed' }],
  })
})

test('of fifty uses at once exactly one is accepted', async (t) => {
  const store = memoryStore({ maxEntries: 10, now: () => NOW.getTime() })
  const replay = { claim: async (key: string, until: Date) => await store.add(key, '', until) }
  const assertion = await signed()
  const verdicts = await Promise.all(
    Array.from({ length: 50 }, async () => await judge(assertion, [KEY], { replay })),
  )
  t.is(verdicts.filter(({ ok }) => ok).length, 1)
})

test('the claim is for the identifier and holds until the assertion counts no more', async (t) => {
  const claims: (readonly [string, Date])[] = []
  const replay = { claim: async (key: string, until: Date) => claims.push([key, until]) > 0 }
  await judge(await signed(), [KEY], { replay })
  await judge(await signed({ claims: { exp: SECONDS + 61 } }), [KEY], { replay })
  await judge(await signed({ claims: { jti: 'a-2' } }), [KEY], { replay })
  t.is(claims[0]?.[0], claims[1]?.[0])
  t.not(claims[0]?.[0], claims[2]?.[0])
  t.deepEqual(claims[0]?.[1], new Date((SECONDS + 120) * 1000))
})

test('when the store cannot say, nobody is let in', async (t) => {
  const replay = { claim: () => Promise.reject(new Error('the store is gone')) }
  const assertion = await signed()
  await t.throwsAsync(judge(assertion, [KEY], { replay }), { message: 'the store is gone' })
})

test('what is no token at all is refused', async (t) => {
  for (const assertion of ['', '.', '..', 'a.b.c', '.'.repeat(1_000_000), `${await signed()}.x`])
    t.like(await judge(assertion), { ok: false, reason: 'jwt-malformed' })
})

test('there is a decoy for each kind of key that may sign', async (t) => {
  t.is(validator.decoys?.length, 5)
  const narrow = await setUp(plugin, { algorithms: ['ES256'] })
  t.is(narrow.decoys?.length, 1)
  t.like(await judge(await signed(), validator.decoys), {
    ok: false,
    reason: 'jwt-signature',
    considered: { length: 5 },
  })
})
