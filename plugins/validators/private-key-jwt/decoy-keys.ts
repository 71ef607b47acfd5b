import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import type { KeyFamily } from './algorithms.ts'

/**
 * One public key per family that nobody can sign for: verifying with it costs what a client's key costs.
 * The private halves are dropped; the RSA modulus is a random number, as making two primes would slow the start.
 */
export function mintDecoyKeys(): Readonly<Record<KeyFamily, KeyObject>> {
  return {
    RSA: randomModulus(),
    'P-256': ecKey('P-256'),
    'P-384': ecKey('P-384'),
    'P-521': ecKey('P-521'),
    Ed25519: generateKeyPairSync('ed25519').publicKey,
  }
}

function ecKey(namedCurve: string): KeyObject {
  return generateKeyPairSync('ec', { namedCurve }).publicKey
}

function randomModulus(): KeyObject {
  const modulus = randomBytes(256)
  modulus[0] = 0xff
  modulus[255] = (modulus[255] ?? 0) | 1
  const n = modulus.toString('base64url')
  return createPublicKey({ key: { kty: 'RSA', n, e: 'AQAB' }, format: 'jwk' })
}
