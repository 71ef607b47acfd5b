import { LRUCache } from 'lru-cache'

import type { StateStore } from '#contract'

/** Counts wrong secrets. */
export interface GuessCounts {
  /** Adds one; `until`, in milliseconds since 1970, counts from the first. @returns the new count */
  count(key: string, until: number): number | Promise<number>
}

/** Keys that are remembered; beyond that the ones that were guessed at longest ago are forgotten. */
const REMEMBERED = 100_000

/** Counts in this process. @param now milliseconds since 1970 */
export function countsHere(now: () => number): GuessCounts {
  const counts = new LRUCache<string, { readonly until: number; readonly count: number }>({
    max: REMEMBERED,
  })
  return {
    count(key, until) {
      const before = counts.get(key)
      const live = before && before.until > now() ? before : { until, count: 0 }
      counts.set(key, { ...live, count: live.count + 1 })
      return live.count + 1
    },
  }
}

/**
 * Counts in a store that replicas share, so that spreading guesses over them gains nothing; without the store
 * each still counts for itself. A store that is not shared would only be filled by it.
 */
export function countsIn(store: StateStore, now: () => number): GuessCounts {
  const here = countsHere(now)
  if (!store.shared) return here
  return {
    async count(key, until) {
      const own = await here.count(key, until)
      return store.increment(`guesses:${key}`, new Date(until)).catch(() => own)
    },
  }
}
