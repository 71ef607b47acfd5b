import { constants, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** What an algorithm needs of a key. EC keys go by their curve. */
export type KeyFamily = 'RSA' | 'P-256' | 'P-384' | 'P-521' | 'Ed25519'

interface Algorithm {
  readonly family: KeyFamily
  /** `null`: the algorithm hashes by itself. */
  readonly digest: string | null
  readonly padding?: number
}

const PKCS1 = constants.RSA_PKCS1_PADDING
const PSS = constants.RSA_PKCS1_PSS_PADDING

/** JWS algorithms with a public key (RFC 7518 §3.1, RFC 8037, RFC 9864). `none` and HMAC have no place here. */
const ALGORITHMS = {
  RS256: { family: 'RSA', digest: 'sha256', padding: PKCS1 },
  RS384: { family: 'RSA', digest: 'sha384', padding: PKCS1 },
  RS512: { family: 'RSA', digest: 'sha512', padding: PKCS1 },
  PS256: { family: 'RSA', digest: 'sha256', padding: PSS },
  PS384: { family: 'RSA', digest: 'sha384', padding: PSS },
  PS512: { family: 'RSA', digest: 'sha512', padding: PSS },
  ES256: { family: 'P-256', digest: 'sha256' },
  ES384: { family: 'P-384', digest: 'sha384' },
  ES512: { family: 'P-521', digest: 'sha512' },
  EdDSA: { family: 'Ed25519', digest: null },
  Ed25519: { family: 'Ed25519', digest: null },
} as const satisfies Record<string, Algorithm>

export type AlgorithmName = keyof typeof ALGORITHMS

export const ALGORITHM_NAMES = Object.keys(ALGORITHMS).filter(isAlgorithmName)

export function isAlgorithmName(name: unknown): name is AlgorithmName {
  return typeof name === 'string' && Object.hasOwn(ALGORITHMS, name)
}

export function familyOf(name: AlgorithmName): KeyFamily {
  return ALGORITHMS[name].family
}

/** Verifies a JWS signature. The key must be of the algorithm's family. */
export function verifySignature(
  name: AlgorithmName,
  key: KeyObject,
  input: Uint8Array,
  signature: Uint8Array,
): boolean {
  const { digest, padding }: Algorithm = ALGORITHMS[name]
  // The PSS salt is as long as the hash (RFC 7518 §3.5); EC signatures are r and s, never DER (§3.4).
  const saltLength = padding === PSS ? { saltLength: constants.RSA_PSS_SALTLEN_DIGEST } : {}
  const options = {
    key,
    dsaEncoding: 'ieee-p1363',
    ...(padding && { padding }),
    ...saltLength,
  } as const
  return verify(digest, input, options, signature)
}
