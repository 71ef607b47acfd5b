import type { Secret } from '#contract'
import { z } from 'zod'

import { ALGORITHM_NAMES, familyOf } from './algorithms.ts'
import type { AlgorithmName } from './algorithms.ts'
import { classifyKey } from './key-faults.ts'
import { KeyFault } from './public-key.ts'
import type { PublicKey } from './public-key.ts'
import { readCertificate } from './read-certificate.ts'
import { readJwk, readJwkMembers, signingKeysOf } from './read-jwk.ts'

/** A key of a client, ready to verify with. */
export interface KeyHolder extends PublicKey {
  /** Those that fit the key and that the secret and the options allow. */
  readonly algorithms: readonly AlgorithmName[]
  /** Whether the dates of a certificate count. */
  readonly validity: Validity
}

export type Validity = 'enforce' | 'ignore'

export interface HolderRules {
  readonly algorithms: readonly AlgorithmName[]
  /** What counts for a secret that does not say. */
  readonly validity: Validity
}

export type HolderReading =
  | { readonly ok: true; readonly holders: readonly KeyHolder[] }
  | { readonly ok: false; readonly fault: string }

const MAX_LENGTH = 32_768
const MAX_SET_LENGTH = 262_144
const READERS: Readonly<Record<string, (value: string) => readonly PublicKey[]>> = {
  X509CertificateBase64: (value) => [readCertificate(value)],
  JWK: (value) => [readJwk(value)],
  JWKS: readJwks,
}

/** The secret types that hold keys. */
export const KEY_SECRET_TYPES = Object.keys(READERS)

const properties = z.object({
  algorithms: z.array(z.enum(ALGORITHM_NAMES)).min(1).optional(),
  validity: z.enum(['enforce', 'ignore']).optional(),
})

/** What a secret of any type says about keys. */
export type KeyProperties = z.infer<typeof properties>

/** The names of the properties that such a secret may have. */
export const KEY_SECRET_PROPERTIES = Object.keys(properties.shape)

/** Reads the keys of a secret with everything that it says about them. */
export function readKeyHolders(secret: Secret, rules: HolderRules): HolderReading {
  return orFault(() => {
    const most = secret.type === 'JWKS' ? MAX_SET_LENGTH : MAX_LENGTH
    if (secret.value.length > most) throw new KeyFault(`longer than ${most} characters`)
    const said = readKeyProperties(secret)
    const read = READERS[secret.type]
    if (read === undefined) throw new KeyFault(`secrets of type ${secret.type} hold no key`)
    const keys = read(secret.value)
    return keys.map((key, index) => numbered(keys, index, () => holderOf(key, rules, said)))
  })
}

/** What a secret says about its keys. @throws {KeyFault} */
export function readKeyProperties(secret: Secret): KeyProperties {
  const said = properties.safeParse(secret.properties)
  if (said.success) return said.data
  const [issue] = said.error.issues
  throw new KeyFault(`${issue?.path.join('.')}: ${issue?.message}`)
}

/** Reads the keys of a set that somebody else keeps: those that cannot be used are left out. */
export function readPublishedKeys(
  jwks: string,
  rules: HolderRules,
  said: KeyProperties,
): HolderReading {
  return orFault(() => {
    const holders = signingKeysOf(jwks).flatMap((members) => {
      const reading = orFault(() => [holderOf(readJwkMembers(members), rules, said)])
      return reading.ok ? reading.holders : []
    })
    if (holders.length === 0) throw new KeyFault('the set has no key that can be used')
    return holders
  })
}

function readJwks(value: string): readonly PublicKey[] {
  const written = signingKeysOf(value)
  const keys = written.map((members, index) => {
    return numbered(written, index, () => readJwkMembers(members))
  })
  const kids = keys.flatMap(({ kid }) => kid ?? [])
  if (new Set(kids).size !== kids.length) throw new KeyFault('two keys of the set have one kid')
  return keys
}

/** Says which of several keys a fault is about. @throws {KeyFault} */
function numbered<T>(all: readonly unknown[], index: number, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof KeyFault) || all.length === 1) throw error
    throw new KeyFault(`key ${index + 1}: ${error.message}`)
  }
}

function orFault(read: () => readonly KeyHolder[]): HolderReading {
  try {
    return { ok: true, holders: read() }
  } catch (error) {
    if (error instanceof KeyFault) return { ok: false, fault: error.message }
    throw error
  }
}

function holderOf(
  key: PublicKey,
  rules: HolderRules,
  { algorithms: only, validity = rules.validity }: KeyProperties,
): KeyHolder {
  return { ...key, validity, algorithms: usableAlgorithms(key, rules, only) }
}

function usableAlgorithms(
  { key, alg }: PublicKey,
  rules: HolderRules,
  only: readonly AlgorithmName[] | undefined,
): readonly AlgorithmName[] {
  const classified = classifyKey(key)
  if (!classified.ok) throw new KeyFault(classified.fault)
  const fitting = ALGORITHM_NAMES.filter((name) => familyOf(name) === classified.family)
  const usable = fitting.filter(
    (name) =>
      rules.algorithms.includes(name) &&
      (only?.includes(name) ?? true) &&
      (alg === undefined || alg === name),
  )
  if (usable.length > 0) return usable
  throw new KeyFault(
    `none of the algorithms of its key (${fitting.join(', ')}) is allowed by its alg, its algorithms and the options`,
  )
}
