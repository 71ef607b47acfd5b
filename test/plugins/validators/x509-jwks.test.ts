import { generateKeyPairSync, hash, X509Certificate } from 'node:crypto'

import test from 'ava'

import jwtPlugin from '../../../plugins/validators/private-key-jwt/index.ts'
import plugin from '../../../plugins/validators/x509-jwks.ts'
import { anAttempt, aPeer, aSecret, RFC8705_CERTIFICATE } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const validator = await setUp(plugin)
const peer = aPeer()
const credential = { kind: 'certificate', peer } as const
const DER = Buffer.from(RFC8705_CERTIFICATE, 'base64').toString('base64')
const JWK = new X509Certificate(Buffer.from(DER, 'base64')).publicKey.export({ format: 'jwk' })
const P384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const OTHER = P384.publicKey.export({ format: 'jwk' })

const set = (...keys: unknown[]) => aSecret('JWKS', JSON.stringify({ keys }))

test('a certificate is known by its key, one of a set', async (t) => {
  for (const secret of [set(JWK), set(OTHER, { ...JWK, kid: 'a', use: 'sig' })]) {
    const keys = validator.inspect?.(secret).lookupKeys
    t.true(keys?.includes(`x509-spki:${peer.spkiSha256}`))
    t.deepEqual(await validator.validate(anAttempt(credential, [secret])), {
      ok: true,
      secret,
      method: 'self_signed_tls_client_auth',
      confirmation: { 'x5t#S256': peer.x5tS256 },
    })
  }
})

test('a key that came with its certificate stands for that one only', async (t) => {
  const secret = set({ ...JWK, x5c: [DER] })
  t.like(await validator.validate(anAttempt(credential, [secret])), { ok: true })
  const renewed = aPeer({ thumbprintSha256: hash('sha256', 'renewed', 'hex').toUpperCase() })
  t.like(await validator.validate(anAttempt({ kind: 'certificate', peer: renewed }, [secret])), {
    ok: false,
    reason: 'cert-key-unknown',
  })
})

test('another key is refused, and so is an expired certificate', async (t) => {
  t.like(await validator.validate(anAttempt(credential, [set(OTHER)])), {
    ok: false,
    reason: 'cert-key-unknown',
  })
  const now = new Date('2022-05-02T12:37:10Z')
  t.like(await validator.validate(anAttempt(credential, [set(JWK)], { now })), {
    ok: false,
    reason: 'cert-expired',
  })
})

const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' })
const koblitz = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey

for (const [what, secret] of [
  ['no JSON', aSecret('JWKS', 'hello')],
  ['no set', aSecret('JWKS', JSON.stringify(JWK))],
  ['an empty set', set()],
  ['a set of too many keys', set(...Array.from({ length: 51 }, () => JWK))],
  ['a private key', set(P384.privateKey.export({ format: 'jwk' }))],
  ['a symmetric key', set({ kty: 'oct', k: 'AAAA' })],
  ['a weak key', set(weak)],
  ['an exponent of 1', set({ ...rsa, e: 'AQ' })],
  ['a curve that is not accepted', set(koblitz.export({ format: 'jwk' }))],
  ['a point off its curve', set({ ...JWK, x: JWK.y })],
  ['the certificate of another key', set({ ...OTHER, x5c: [DER] })],
  ['no certificate in x5c', set({ ...JWK, x5c: ['AAAA'] })],
  ['an endless text', aSecret('JWKS', ' '.repeat(300_000))],
] as const)
  test(`${what} is a fault`, (t) => {
    t.truthy(validator.inspect?.(secret).fault)
  })

test('for assertions the keys of a set must differ in kid, and be sound one by one', async (t) => {
  const assertions = await setUp(jwtPlugin)
  const fault = (...keys: unknown[]) => assertions.inspect?.(set(...keys)).fault
  t.is(fault({ ...JWK, kid: 'a' }, { ...OTHER, kid: 'b' }), undefined)
  t.is(fault(JWK, OTHER, { ...rsa, use: 'enc' }), undefined)
  t.regex(fault({ ...JWK, kid: 'a' }, { ...OTHER, kid: 'a' }) ?? '', /one kid/)
  t.regex(fault(JWK, weak) ?? '', /key 2: .*1024 bits/)
  t.regex(fault({ ...rsa, use: 'enc' }) ?? '', /no key that signs/)
  t.deepEqual(assertions.inspect?.(set({ ...JWK, kid: 'a' })), { identifiers: ['kid a'] })
})
