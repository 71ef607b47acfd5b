import type { StateStore } from '#contract'

import { currentOf, nextActivation, publishedOf } from './key-schedule.ts'
import type { Rotation } from './key-schedule.ts'
import type { Seal } from './seal.ts'
import type { SigningAlgorithm, SigningKey } from './signing-key.ts'
import { storedKeys } from './stored-keys.ts'
import type { StoredKey } from './stored-keys.ts'

/** The keys of our tokens. */
export interface KeyRing {
  /** Signs now. */
  readonly current: SigningKey
  /** All whose tokens may still be about, and those to come, by `kid`. */
  readonly keys: ReadonlyMap<string, SigningKey>
  /** A key that may have come from another replica just now. Rejects when the store fails. */
  find(kid: string): Promise<SigningKey | undefined>
  /** Reads what other replicas made, and makes the next key when it is time. */
  refresh(): Promise<void>
  close(): void
}

export interface KeyRingOptions {
  readonly store: StateStore
  readonly algorithm: SigningAlgorithm
  readonly seal: Seal
  readonly rotation: Rotation
  /** Milliseconds since 1970. */
  now(): number
  /** A refresh in the background failed; the keys at hand go on. */
  onFailure(error: unknown): void
}

const ALGORITHMS: readonly SigningAlgorithm[] = ['ES256', 'RS256', 'PS256']
const HOUR = 3_600_000
/** How often an unknown `kid` may send us to the store: tokens with made-up ones are free to send. */
const LOOK_AGAIN = 1000

/**
 * Opens the key ring of a state store and makes the first key when there is none.
 * @throws when the store fails or the keys cannot be decrypted
 */
export async function openKeyRing(options: KeyRingOptions): Promise<KeyRing> {
  const { store, algorithm, seal, rotation, now } = options
  const own = storedKeys(store, algorithm, seal)
  // Keys of an algorithm that was changed sign no more, but their tokens live on.
  const others = ALGORITHMS.filter((one) => one !== algorithm).map((one) =>
    storedKeys(store, one, seal),
  )
  let stored: readonly StoredKey[] = []
  let keys: ReadonlyMap<string, SigningKey> = new Map()
  let looked = -Infinity

  const read = async () => {
    stored = await own.read()
    const activeFrom = nextActivation(stored, now(), rotation)
    if (activeFrom !== undefined) {
      const { interval, propagation, retention } = rotation
      const until = new Date(activeFrom + 2 * interval + propagation + retention)
      await own.add(activeFrom, until)
      stored = await own.read()
    }
    const retired = (await Promise.all(others.map((one) => one.read()))).flat()
    const published = [...publishedOf(stored, now(), rotation), ...retired]
    keys = new Map(published.map(({ key }) => [key.kid, key]))
  }
  let underWay: Promise<void> | undefined
  const refresh = () => (underWay ??= read().finally(() => (underWay = undefined)))
  const current = () => {
    const found = currentOf(stored, now())
    if (!found) throw new Error(`the state store did not keep the ${algorithm} signing key`)
    return found.key
  }

  await refresh()
  current()
  const pace = Math.min(HOUR, rotation.propagation / 4, rotation.interval / 4)
  const inBackground = () => void refresh().catch(options.onFailure)
  const timer = setInterval(inBackground, Math.max(pace, 50)).unref()
  return {
    get current() {
      return current()
    },
    get keys() {
      return keys
    },
    refresh,
    async find(kid) {
      const known = keys.get(kid)
      const soon = Math.abs(now() - looked) < LOOK_AGAIN && underWay === undefined
      if (known || soon) return known
      looked = now()
      await refresh()
      return keys.get(kid)
    },
    close() {
      clearInterval(timer)
    },
  }
}
