import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import type { JsonObject } from './strict-json.ts'

/** The public keys of an issuer that may check a signature. */
export interface IssuerKeys {
  /** The only key that fits; undefined when none does, or several. */
  find(algorithm: string, keyId: string | undefined): KeyObject | undefined
  /** How many were left out, and why. */
  readonly leftOut: readonly string[]
}

interface IssuerKey {
  readonly keyId: string | undefined
  /** When it says so, the only one that it is for. */
  readonly algorithm: string | undefined
  readonly key: KeyObject
}

const MOST_KEYS = 100

/** A JWK set (RFC 7517 §5) → its sound public keys, or undefined: it is none. */
export function readJwks(set: JsonObject): IssuerKeys | undefined {
  const { keys } = set
  if (!Array.isArray(keys) || keys.length > MOST_KEYS) return undefined
  const leftOut: string[] = []
  const sound: IssuerKey[] = []
  for (const jwk of keys as unknown[]) {
    const read = readKey(jwk)
    if (typeof read === 'string') leftOut.push(read)
    else sound.push(read)
  }
  const named = Map.groupBy(sound, ({ keyId }) => keyId)
  const usable = sound.filter(({ keyId }) => keyId === undefined || named.get(keyId)?.length === 1)
  if (usable.length < sound.length) leftOut.push('keys of which two have one kid')
  return {
    leftOut,
    find(algorithm, keyId) {
      const fitting = usable.filter(
        (one) =>
          (keyId === undefined || one.keyId === keyId) &&
          (one.algorithm === undefined || one.algorithm === algorithm) &&
          fits(one.key, algorithm),
      )
      return fitting.length === 1 ? fitting[0]?.key : undefined
    },
  }
}

/** @returns the key, or what is wrong with it */
function readKey(jwk: unknown): IssuerKey | string {
  if (typeof jwk !== 'object' || jwk === null) return 'something that is no key'
  const { kid, kty, alg, use, key_ops: operations, d } = jwk as Record<string, unknown>
  const name = typeof kid === 'string' ? `key ${kid.slice(0, 60)}` : 'a key without kid'
  if (kty === 'oct') return `${name}: symmetric`
  if (d !== undefined) return `${name}: private`
  const verifies =
    operations === undefined || (Array.isArray(operations) && operations.includes('verify'))
  if ((use !== undefined && use !== 'sig') || !verifies) return `${name}: not for signatures`
  try {
    const key = createPublicKey({ key: jwk, format: 'jwk' })
    const weakness = weaknessOf(key)
    if (weakness !== undefined) return `${name}: ${weakness}`
    return {
      key,
      keyId: typeof kid === 'string' ? kid : undefined,
      algorithm: typeof alg === 'string' ? alg : undefined,
    }
  } catch {
    return `${name}: unreadable`
  }
}

function weaknessOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  if (asymmetricKeyType !== 'rsa') return undefined
  const { modulusLength = 0, publicExponent = 0n } = asymmetricKeyDetails ?? {}
  if (modulusLength < 2048 || modulusLength > 16_384) return `RSA of ${modulusLength} bits`
  return publicExponent < 65_537n || publicExponent % 2n === 0n
    ? 'RSA with a bad exponent'
    : undefined
}

const CURVES: Readonly<Record<string, string>> = {
  ES256: 'prime256v1',
  ES384: 'secp384r1',
  ES512: 'secp521r1',
}

function fits({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, algorithm: string): boolean {
  if (/^[RP]S(256|384|512)$/.test(algorithm)) return asymmetricKeyType === 'rsa'
  if (algorithm === 'EdDSA' || algorithm === 'Ed25519') return asymmetricKeyType === 'ed25519'
  const curve = CURVES[algorithm]
  return curve !== undefined && asymmetricKeyDetails?.namedCurve === curve
}
