import { createPublicKey, hash } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import { keyOf } from './proof-algorithms.ts'
import type { ProofAlgorithm } from './proof-algorithms.ts'

/** The key that a proof brings along, or what is wrong with it. */
export type ProofKey =
  | {
      readonly ok: true
      readonly key: KeyObject
      /** SHA-256 thumbprint, base64url (RFC 7638, RFC 9449 §6.1). */
      readonly jkt: string
    }
  | { readonly ok: false; readonly fault: string }

const PRIVATE = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** By `kty`: the members that make the key, in the order of RFC 7638 §3.2. */
const MEMBERS: Readonly<Record<string, readonly string[]>> = {
  EC: ['crv', 'kty', 'x', 'y'],
  OKP: ['crv', 'kty', 'x'],
  RSA: ['e', 'kty', 'n'],
}

/** Reads the public key in the header of a proof (RFC 9449 §4.2), for this proof alone. */
export function readProofKey(jwk: unknown, algorithm: ProofAlgorithm): ProofKey {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) return bad('is no JWK')
  const members = jwk as Readonly<Record<string, unknown>>
  if (PRIVATE.some((name) => Object.hasOwn(members, name))) return bad('is not public')
  const { kty, crv, use = 'sig', alg = algorithm } = members
  const names = typeof kty === 'string' && Object.hasOwn(MEMBERS, kty) ? MEMBERS[kty] : undefined
  if (!names) return bad('is of a kind that is not known')
  if ((kty === 'RSA' ? 'RSA' : crv) !== keyOf(algorithm)) return bad('does not fit alg')
  if (use !== 'sig' || alg !== algorithm) return bad('is for something else')
  const bare = Object.fromEntries(names.map((name) => [name, members[name]]))
  const key = imported(bare)
  if (!key) return bad('is no valid key')
  const canonical = JSON.stringify(bare)
  // One key, one thumbprint: it could be written in more ways than one.
  const exported = key.export({ format: 'jwk' }) as Readonly<Record<string, unknown>>
  if (names.some((name) => exported[name] !== bare[name])) return bad('is not written canonically')
  const weakness = kty === 'RSA' ? weaknessOf(key) : undefined
  if (weakness !== undefined) return bad(weakness)
  return { ok: true, key, jkt: hash('sha256', canonical, 'base64url') }
}

function imported(key: object): KeyObject | undefined {
  try {
    return createPublicKey({ key, format: 'jwk' })
  } catch {
    return undefined
  }
}

/** Whoever sends it chose it, so what is costly to verify with is refused too. */
function weaknessOf({ asymmetricKeyDetails }: KeyObject): string | undefined {
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {}
  if (modulusLength < 2048 || modulusLength > 4096) return `is RSA of ${modulusLength} bits`
  const sound =
    publicExponent >= 65_537n && publicExponent < 2n ** 32n && publicExponent % 2n === 1n
  return sound ? undefined : 'has a bad RSA exponent'
}

function bad(fault: string): ProofKey {
  return { ok: false, fault: `its jwk ${fault}` }
}
