import { generateKeyPairSync } from 'node:crypto'

import test from 'ava'

import type { Secret } from '#contract'

import plugin from '../../../plugins/validators/private-key-jwt/index.ts'
import { RFC8705_CERTIFICATE, aSecret } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const validator = await setUp(plugin)
const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const RSA = generateKeyPairSync('rsa', { modulusLength: 2048 })
const EC_JWK = P256.publicKey.export({ format: 'jwk' })
const RSA_JWK = RSA.publicKey.export({ format: 'jwk' })

function jwk(members: object, properties = {}): Secret {
  return aSecret('JWK', JSON.stringify(members), properties)
}

function modulus(make: (n: bigint) => bigint): string {
  const n = BigInt(`0x${Buffer.from(RSA_JWK.n ?? '', 'base64url').toString('hex')}`)
  return Buffer.from(make(n).toString(16), 'hex').toString('base64url')
}

/** A number that is a power of 65537 modulo each small prime: what ROCA leaves behind. */
function rocaModulus(): string {
  const primes = [
    3n,
    5n,
    7n,
    11n,
    13n,
    17n,
    19n,
    23n,
    29n,
    31n,
    37n,
    41n,
    43n,
    47n,
    53n,
    59n,
    61n,
    67n,
    71n,
    73n,
    79n,
    83n,
    89n,
    97n,
    101n,
    103n,
    107n,
    109n,
    113n,
    127n,
    131n,
    137n,
    139n,
    149n,
    151n,
    157n,
    163n,
    167n,
  ]
  const product = primes.reduce((all, prime) => all * prime, 2n)
  return modulus((n) => n - (n % product) + 65_537n)
}

const good = [
  ['an EC key', jwk(EC_JWK)],
  ['an RSA key', jwk(RSA_JWK)],
  [
    'a key with kid, use, alg and key_ops',
    jwk({ ...EC_JWK, kid: 'a', use: 'sig', alg: 'ES256', key_ops: ['verify'] }),
  ],
  ['a key with members of no concern', jwk({ ...EC_JWK, x5c: ['AAAA'], note: { a: 1 } })],
  ['a certificate', aSecret('X509CertificateBase64', RFC8705_CERTIFICATE)],
  ['a secret with its properties', jwk(RSA_JWK, { algorithms: ['PS256'], validity: 'ignore' })],
] as const

for (const [what, secret] of good)
  test(`${what} is sound`, (t) => {
    t.is(validator.inspect?.(secret).fault, undefined)
  })

const PEM = P256.publicKey.export({ format: 'pem', type: 'spki' })

for (const [what, secret, fault] of [
  ['a private EC key', jwk(P256.privateKey.export({ format: 'jwk' })), /^this is a private key/],
  ['a private RSA key', jwk(RSA.privateKey.export({ format: 'jwk' })), /^this is a private key/],
  ['a symmetric key', jwk({ kty: 'oct', k: 'c2VjcmV0' }), /^this is a symmetric key/],
  ['a JWK Set', jwk({ keys: [EC_JWK] }), /^this is a JWK Set/],
  ['no JSON', aSecret('JWK', 'hello'), /no JSON object/],
  ['an array', aSecret('JWK', '[]'), /no JSON object/],
  ['PEM', aSecret('JWK', PEM), /PEM/],
  ['a key without type', jwk({ ...EC_JWK, kty: undefined }), /kty/],
  ['a number as kid', jwk({ ...EC_JWK, kid: 5 }), /kid/],
  ['a point off its curve', jwk({ ...EC_JWK, x: EC_JWK.y }), /not on its curve/],
  ['half a point', jwk({ ...EC_JWK, y: undefined }), /member is missing/],
  [
    'an unsupported curve',
    jwk({
      ...generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey.export({ format: 'jwk' }),
    }),
    /curve/,
  ],
  [
    'a key for key agreement',
    jwk(generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' })),
    /x25519/,
  ],
  [
    'an RSA key of 1024 bits',
    jwk(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ format: 'jwk' })),
    /1024 bits/,
  ],
  ['the RSA exponent 1', jwk({ ...RSA_JWK, e: 'AQ' }), /exponent/],
  ['the RSA exponent 3', jwk({ ...RSA_JWK, e: 'Aw' }), /exponent/],
  ['an even RSA exponent', jwk({ ...RSA_JWK, e: 'AQAC' }), /exponent/],
  ['an even RSA modulus', jwk({ ...RSA_JWK, n: modulus((n) => n - 1n) }), /even/],
  ['an RSA modulus of the faulty generator', jwk({ ...RSA_JWK, n: rocaModulus() }), /ROCA/],
  ['a key for encryption', jwk({ ...RSA_JWK, use: 'enc' }), /use/],
  ['a key for signing only', jwk({ ...RSA_JWK, key_ops: ['encrypt'] }), /key_ops/],
  ['an alg of another key type', jwk({ ...RSA_JWK, alg: 'ES256' }), /none of the algorithms/],
  ['an alg of encryption', jwk({ ...RSA_JWK, alg: 'RSA-OAEP' }), /none of the algorithms/],
  ['a symmetric alg', jwk({ ...RSA_JWK, alg: 'HS256' }), /none of the algorithms/],
  [
    'algorithms of another key type',
    jwk(RSA_JWK, { algorithms: ['ES256'] }),
    /none of the algorithms/,
  ],
  ['unknown algorithms', jwk(RSA_JWK, { algorithms: ['none'] }), /^algorithms/],
  ['no algorithms', jwk(RSA_JWK, { algorithms: [] }), /^algorithms/],
  ['an unknown validity', jwk(RSA_JWK, { validity: 'maybe' }), /^validity/],
  ['a certificate that is none', aSecret('X509CertificateBase64', 'AAAA'), /not one whole/],
  [
    'half a certificate',
    aSecret('X509CertificateBase64', RFC8705_CERTIFICATE.replaceAll('\n', '').slice(0, 80)),
    /not one whole/,
  ],
  [
    'a certificate and more',
    aSecret(
      'X509CertificateBase64',
      Buffer.concat([Buffer.from(RFC8705_CERTIFICATE, 'base64'), Buffer.alloc(3)]).toString(
        'base64',
      ),
    ),
    /not one whole/,
  ],
  ['no base64', aSecret('X509CertificateBase64', 'hello!'), /neither base64/],
  [
    'a private key in PEM',
    aSecret('X509CertificateBase64', P256.privateKey.export({ format: 'pem', type: 'pkcs8' })),
    /^this holds a private key/,
  ],
  ['anything endless', aSecret('JWK', ' '.repeat(100_000)), /longer than/],
] as const)
  test(`${what} is a fault`, (t) => {
    t.regex(validator.inspect?.(secret).fault ?? '', fault)
  })

test('several certificates are a fault', (t) => {
  const pem = `-----BEGIN CERTIFICATE-----\n${RFC8705_CERTIFICATE}\n-----END CERTIFICATE-----\n`
  t.is(validator.inspect?.(aSecret('X509CertificateBase64', pem)).fault, undefined)
  t.regex(validator.inspect?.(aSecret('X509CertificateBase64', pem + pem)).fault ?? '', /several/)
})

test("a JWK in single quotes, as in IdentityServer's sample, is read with a warning", (t) => {
  const value = JSON.stringify(EC_JWK).replaceAll('"', "'")
  const found = validator.inspect?.(aSecret('JWK', value))
  t.is(found?.fault, undefined)
  t.regex(found?.warning ?? '', /quoted/)
})

test('no fault shows anything of a private key', (t) => {
  const members = P256.privateKey.export({ format: 'jwk' })
  const text = JSON.stringify(validator.inspect?.(jwk(members)))
  t.false(text.includes(String(members.d)))
})
