import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto'

import test from 'ava'
import { SignJWT } from 'jose'

import type { Attempt, Secret, Validator } from '#contract'

import plugin from '../../../plugins/validators/client-secret-jwt/index.ts'
import keyPlugin from '../../../plugins/validators/private-key-jwt/index.ts'
import { IN_2020 as NOW, ISSUER, TOKEN_ENDPOINT, aSecret, anAttempt } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'
import { validatorContract } from '../../contract/validator.ts'

const SECONDS = NOW.getTime() / 1000
const VALUE = randomBytes(48).toString('base64')
const SECRET = plain(VALUE)
const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const validator = await enabled()
const legacy = await enabled({ audience: 'legacy' })

async function enabled(options = {}) {
  return (await setUp(plugin, { enabled: true, ...options })) as Validator<'jwt_assertion'>
}

function plain(value: string): Secret {
  return { ...aSecret('SharedSecretPlain', value), referenced: true }
}

interface Overrides {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly value?: string
}

/** An assertion that is right in everything but the overrides; `undefined` leaves a member out. */
async function made({ claims, header, value = VALUE }: Overrides = {}): Promise<string> {
  const payload = {
    iss: 'orders',
    sub: 'orders',
    aud: ISSUER,
    jti: 'a-1',
    iat: SECONDS,
    exp: SECONDS + 60,
    ...claims,
  }
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'HS256', ...header })
    .sign(new TextEncoder().encode(value))
}

async function judge(
  assertion: string,
  secrets: readonly Secret[] = [SECRET],
  from = validator,
  overrides: Partial<Attempt<'jwt_assertion'>> = {},
) {
  const credential = { kind: 'jwt_assertion', assertion, claimedClientId: 'orders' } as const
  return from.validate(anAttempt(credential, secrets, overrides))
}

validatorContract(test, 'switched on', () => enabled())

for (const alg of ['HS256', 'HS384', 'HS512']) {
  test(`an assertion by ${alg} with the registered secret is accepted, by its own method name`, async (t) => {
    t.deepEqual(await judge(await made({ header: { alg } })), {
      ok: true,
      secret: SECRET,
      method: 'client_secret_jwt',
    })
  })
}

test('without its option nothing is accepted, nor offered, and every such secret is a fault', async (t) => {
  for (const options of [{}, { enabled: false }]) {
    const off = await setUp(plugin, options)
    t.is(off.accepts, 'nothing')
    t.is(off.advertises, undefined)
    t.is(off.signingAlgorithms, undefined)
    t.regex(String(off.inspect?.(SECRET).fault), /client_secret_jwt is off/)
    const credential = { kind: 'nothing' } as const
    t.like(await off.validate(anAttempt(credential, [SECRET])), {
      ok: false,
      reason: 'client-secret-jwt-off',
    })
  }
})

test('what is on says so', (t) => {
  t.deepEqual(validator.advertises, ['client_secret_jwt'])
  t.deepEqual(validator.signingAlgorithms, ['HS256', 'HS384', 'HS512'])
})

for (const [what, overrides, reason] of [
  ['of another secret', { value: randomBytes(48).toString('base64') }, 'jwt-mac-mismatch'],
  ['of another issuer', { claims: { iss: 'other' } }, 'jwt-iss'],
  ['about another subject', { claims: { sub: 'other' } }, 'jwt-sub'],
  ['for another server', { claims: { aud: 'https://elsewhere.example' } }, 'jwt-aud'],
  ['for the endpoint', { claims: { aud: TOKEN_ENDPOINT } }, 'jwt-aud'],
  ['that expired', { claims: { exp: SECONDS - 61 } }, 'jwt-expired'],
  ['without an end', { claims: { exp: undefined } }, 'jwt-exp'],
  ['that lives long', { claims: { exp: SECONDS + 3600 } }, 'assertion-lifetime'],
  ['of the future', { claims: { iat: SECONDS + 61 } }, 'jwt-not-yet-valid'],
  ['without a jti', { claims: { jti: undefined } }, 'jwt-jti'],
  ['typed as an access token', { header: { typ: 'at+jwt' } }, 'jwt-typ'],
  ['typed as a proof', { header: { typ: 'dpop+jwt' } }, 'jwt-typ'],
] as const) {
  test(`an assertion is refused ${what}`, async (t) => {
    t.like(await judge(await made(overrides)), { ok: false, reason })
  })
}

test('an assertion for the endpoint counts in legacy mode', async (t) => {
  const assertion = await made({ claims: { aud: TOKEN_ENDPOINT } })
  t.like(await judge(assertion, [SECRET], legacy), { ok: true })
})

test('an assertion counts once, and a forged one uses nothing up', async (t) => {
  const claimed = new Set<string>()
  const replay = {
    claim: async (key: string) => !claimed.has(key) && claimed.add(key) !== undefined,
  }
  const forged = await made({ value: 'f'.repeat(40) })
  t.like(await judge(forged, [SECRET], validator, { replay }), { ok: false })
  t.is(claimed.size, 0)
  const assertion = await made()
  t.like(await judge(assertion, [SECRET], validator, { replay }), { ok: true })
  t.like(await judge(assertion, [SECRET], validator, { replay }), { reason: 'jwt-jti-replayed' })
})

test('an algorithm needs a secret as long as its hash', async (t) => {
  const short = plain('s'.repeat(32))
  const by = async (alg: string) => judge(mac({ alg }, short.value), [short])
  t.like(await by('HS256'), { ok: true })
  for (const alg of ['HS384', 'HS512']) {
    t.like(await by(alg), {
      ok: false,
      considered: [{ secret: short, reason: 'secret-too-short' }],
    })
  }
})

/** An HMAC by hand: a library refuses what is unsafe. */
function mac(header: { readonly alg: string }, secret: string): string {
  const claims = {
    iss: 'orders',
    sub: 'orders',
    aud: ISSUER,
    jti: 'a-1',
    exp: SECONDS + 60,
  }
  const input = [header, claims]
    .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
    .join('.')
  const digest = header.alg.replace('HS', 'sha')
  return `${input}.${createHmac(digest, secret).update(input).digest('base64url')}`
}

test('of several secrets the one that fits is named, the others are considered', async (t) => {
  const old = plain(randomBytes(48).toString('base64'))
  t.like(await judge(await made(), [old, SECRET]), { ok: true, secret: SECRET })
  t.like(await judge(await made(), [old]), {
    ok: false,
    reason: 'jwt-mac-mismatch',
    considered: [{ secret: old, reason: 'jwt-mac-mismatch' }],
  })
})

for (const [what, secret, fault] of [
  ['in the file of definitions', aSecret('SharedSecretPlain', VALUE), /kept elsewhere/],
  ['of 31 bytes', plain('s'.repeat(31)), /31 bytes/],
  ['of 1025 bytes', plain('s'.repeat(1025)), /1025 bytes/],
  ['that is a JWK', plain(JSON.stringify(P256.publicKey.export({ format: 'jwk' }))), /is a key/],
  ['that is PEM', plain(P256.publicKey.export({ format: 'pem', type: 'spki' })), /is a key/],
] as const) {
  test(`a secret is a fault ${what}`, (t) => {
    t.regex(String(validator.inspect?.(secret).fault), fault)
  })
}

test('a secret of 32 bytes is sound', (t) => {
  t.deepEqual(validator.inspect?.(plain('s'.repeat(32))), {})
})

test('no key is taken for a secret, and no secret for a key', async (t) => {
  const keys = await setUp(keyPlugin)
  const jwk = aSecret('JWK', JSON.stringify(P256.publicKey.export({ format: 'jwk' })))
  const pem = P256.publicKey.export({ format: 'pem', type: 'spki' })
  t.deepEqual(
    validator.secretTypes.filter((type) => keys.secretTypes.includes(type)),
    [],
  )
  for (const value of [jwk.value, pem]) {
    // The public key, which everybody has, in the place of the secret.
    const forged = mac({ alg: 'HS256' }, value)
    t.like(await judge(forged, [jwk], keys), { ok: false, reason: 'jwt-alg-not-allowed' })
    t.like(await judge(forged), { ok: false, reason: 'jwt-mac-mismatch' })
  }
  for (const alg of ['ES256', 'RS256', 'none', 'HS1', 'hs256']) {
    const assertion = mac({ alg: 'HS256' }, VALUE)
    const [, claims, signature] = assertion.split('.')
    const head = Buffer.from(JSON.stringify({ alg })).toString('base64url')
    t.like(await judge(`${head}.${claims}.${signature}`), {
      ok: false,
      reason: 'jwt-alg-not-allowed',
    })
  }
})

test('a MAC that is cut or prolonged is none', async (t) => {
  const assertion = await made()
  const at = assertion.lastIndexOf('.') + 1
  const bytes = Buffer.from(assertion.slice(at), 'base64url')
  for (const one of [bytes.subarray(0, 31), bytes.subarray(0, 1), Buffer.concat([bytes, bytes])]) {
    const changed = assertion.slice(0, at) + one.toString('base64url')
    t.like(await judge(changed), { ok: false, reason: 'jwt-mac-mismatch' })
  }
})
