import type { StateStore } from '#contract'
import type { JWK } from 'jose'

import type { Seal } from './seal.ts'
import { generateSigningJwk, signingKey } from './signing-key.ts'
import type { SigningAlgorithm, SigningKey } from './signing-key.ts'

/** A signing key of the state store and its place in time. */
export interface StoredKey {
  readonly activeFrom: number
  readonly key: SigningKey
}

/** The signing keys of one algorithm in a state store. */
export interface StoredKeys {
  /** All that are there, oldest first. Known ones are not opened again. */
  read(): Promise<readonly StoredKey[]>
  /**
   * Makes the key that follows the newest of `read`. When a replica was faster, its key stays.
   * @param until when the store may forget it
   */
  add(activeFrom: number, until: Date): Promise<void>
}

/** What is kept of a key. Times in milliseconds since 1970. */
interface Record {
  readonly activeFrom: number
  readonly until: number
  readonly jwk: JWK
}

const MOST = 100

/**
 * Keys are numbered, and a number is given to whoever adds it first: replicas agree without a leader.
 * @throws (all functions) when the store fails or a key cannot be decrypted
 */
export function storedKeys(store: StateStore, algorithm: SigningAlgorithm, seal: Seal): StoredKeys {
  const name = (number: number) => `signing-key:${algorithm}:${number}`
  // Where to begin to look; a store cannot be asked for all its keys.
  const hint = `signing-key:${algorithm}:newest`
  const known = new Map<string, StoredKey>()
  let newest = 0

  const open = async (number: number): Promise<StoredKey | undefined> => {
    const stored = await store.get(name(number))
    if (stored === undefined) return undefined
    const before = known.get(stored)
    if (before) return before
    const text = await seal.open(stored)
    const { activeFrom, until, jwk } = JSON.parse(text) as Record
    // The key for encryption came later than this one.
    if (seal.isOpen(stored)) await store.set(name(number), await seal.close(text), new Date(until))
    const opened = { activeFrom, key: await signingKey(jwk) }
    known.set(stored, opened)
    return opened
  }

  return {
    async read() {
      newest = Math.max(newest, Number((await store.get(hint)) ?? 0))
      const found: StoredKey[] = []
      for (let number = newest; number > 0 && found.length < MOST; number--) {
        const one = await open(number)
        if (!one) break
        found.unshift(one)
      }
      for (let number = newest + 1; found.length < MOST; number++) {
        const one = await open(number)
        if (!one) break
        found.push(one)
        newest = number
      }
      return found
    },
    async add(activeFrom, until) {
      const jwk = await generateSigningJwk(algorithm)
      const record: Record = { activeFrom, until: until.getTime(), jwk }
      const text = await seal.close(JSON.stringify(record))
      await store.add(name(newest + 1), text, until)
      newest += 1
      await store.set(hint, String(newest))
    },
  }
}
