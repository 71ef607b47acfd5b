import { constants, verify } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

interface Algorithm {
  /** The curve of the key, or that it is an RSA key. */
  readonly key: 'RSA' | 'P-256' | 'P-384' | 'P-521' | 'Ed25519'
  /** `null`: the algorithm hashes by itself. */
  readonly digest: string | null
  readonly pss?: true
}

/** JWS algorithms with a public key (RFC 7518 §3.1, RFC 8037, RFC 9864). */
const ALGORITHMS = {
  ES256: { key: 'P-256', digest: 'sha256' },
  ES384: { key: 'P-384', digest: 'sha384' },
  ES512: { key: 'P-521', digest: 'sha512' },
  EdDSA: { key: 'Ed25519', digest: null },
  Ed25519: { key: 'Ed25519', digest: null },
  PS256: { key: 'RSA', digest: 'sha256', pss: true },
  PS384: { key: 'RSA', digest: 'sha384', pss: true },
  PS512: { key: 'RSA', digest: 'sha512', pss: true },
  RS256: { key: 'RSA', digest: 'sha256' },
  RS384: { key: 'RSA', digest: 'sha384' },
  RS512: { key: 'RSA', digest: 'sha512' },
} as const satisfies Record<string, Algorithm>

export type ProofAlgorithm = keyof typeof ALGORITHMS

export const PROOF_ALGORITHMS = Object.keys(ALGORITHMS) as readonly ProofAlgorithm[]

/** The kind of key that an algorithm needs. */
export function keyOf(algorithm: ProofAlgorithm): Algorithm['key'] {
  return ALGORITHMS[algorithm].key
}

/** Verifies a JWS signature. The key must be of the algorithm's kind. */
export function verifyProof(
  algorithm: ProofAlgorithm,
  key: KeyObject,
  input: string,
  signature: Uint8Array,
): boolean {
  const { digest, pss }: Algorithm = ALGORITHMS[algorithm]
  return verify(
    digest,
    Buffer.from(input, 'latin1'),
    {
      key,
      // EC signatures are r and s, never DER (RFC 7518 §3.4); the PSS salt is as long as the hash (§3.5).
      dsaEncoding: 'ieee-p1363',
      ...(pss && {
        padding: constants.RSA_PKCS1_PSS_PADDING,
        saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
      }),
    },
    signature,
  )
}
