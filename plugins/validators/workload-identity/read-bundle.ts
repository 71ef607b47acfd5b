import type { KeyObject } from 'node:crypto'

import type { KeyFamily } from '../private-key-jwt/algorithms.ts'
import { classifyKey } from '../private-key-jwt/key-faults.ts'
import { KeyFault } from '../private-key-jwt/public-key.ts'
import { readJwkMembers } from '../private-key-jwt/read-jwk.ts'

/** A key of an issuer. */
export interface BundleKey {
  readonly key: KeyObject
  readonly family: KeyFamily
  readonly kid?: string
  /** When it says so, the only algorithm that it is for. */
  readonly alg?: string
}

const MOST_KEYS = 100
/** In a SPIFFE bundle those for X.509 stand beside those for JWTs. */
const USES = new Set<unknown>([undefined, 'sig', 'jwt-svid'])

/** The sound keys of a JWK Set or a SPIFFE bundle; undefined: it is none, or has none. */
export function readBundle(text: string): readonly BundleKey[] | undefined {
  const keys = keysIn(text)
  if (!keys || keys.length > MOST_KEYS) return undefined
  const sound = keys.flatMap((one) => readKey(one) ?? [])
  return sound.length > 0 ? sound : undefined
}

function keysIn(text: string): readonly unknown[] | undefined {
  try {
    const { keys } = JSON.parse(text) as { readonly keys?: unknown }
    return Array.isArray(keys) ? keys : undefined
  } catch {
    return undefined
  }
}

function readKey(jwk: unknown): BundleKey | undefined {
  if (typeof jwk !== 'object' || jwk === null) return undefined
  const { use, ...members } = jwk as Readonly<Record<string, unknown>>
  if (!USES.has(use)) return undefined
  try {
    const { key, kid, alg } = readJwkMembers(members)
    const classified = classifyKey(key)
    if (!classified.ok) return undefined
    return {
      key,
      family: classified.family,
      ...(kid !== undefined && { kid }),
      ...(alg !== undefined && { alg }),
    }
  } catch (error) {
    if (error instanceof KeyFault) return undefined
    throw error
  }
}
