import type { Refusal } from '#contract'

export type Fetched<T> =
  | {
      readonly ok: true
      readonly value: T
      /** Milliseconds since 1970. */
      readonly nextUpdate: number
    }
  | (Refusal & { readonly ok: false })

/** Something fetched that counts for a time: fetched again ahead of its end, once at a time, the last good one kept. */
export interface Kept<T> {
  readonly value: T | undefined
  /** In ticks: when it is to be fetched. */
  readonly due: number
  readonly inFlight: Promise<void> | undefined
  /** Why it was not had the last time. */
  readonly failure: Refusal | undefined
  /**
   * Fetches it in the background, unless that is under way, not due or too much at once.
   * @param fetch gets it anew; what is kept stays when that fails
   * @returns what is under way
   */
  refresh(fetch: (before: T | undefined) => Promise<Fetched<T>>): Promise<void> | undefined
}

export interface KeepingRules<T> {
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Milliseconds of a clock that nobody sets. */
  readonly ticks: () => number
  /** From 0 to 1. */
  readonly random: () => number
  /** Milliseconds. */
  readonly maxAge: number
  /** Fetches that may be under way beside those that are; shared by all that are kept together. */
  readonly slots: { free: number }
  /** Told of each outcome, and of what was kept before it. */
  settled(outcome: Fetched<T>, before: T | undefined): void
}

/** The part of its life after which it is fetched again. */
const AHEAD = 0.75
const RETRY = 30_000
const LEAST = 1000

/** @returns something not yet fetched, and due */
export function keep<T>(rules: KeepingRules<T>): Kept<T> {
  const { clock, ticks, random, maxAge, slots, settled } = rules
  // Up to a tenth earlier, so that replicas do not all come at once.
  const after = (milliseconds: number) =>
    ticks() + Math.min(milliseconds, maxAge) * (1 - random() / 10)
  const kept: { -readonly [K in keyof Kept<T>]: Kept<T>[K] } = {
    value: undefined,
    due: -Infinity,
    inFlight: undefined,
    failure: undefined,
    refresh(fetch) {
      if (kept.inFlight || ticks() < kept.due || slots.free === 0) return kept.inFlight
      slots.free--
      kept.inFlight = fetch(kept.value)
        .catch((error: unknown): Fetched<T> => ({
          ok: false,
          reason: 'fetch-failed',
          got: String(error),
        }))
        .then((outcome) => {
          slots.free++
          const before = kept.value
          kept.inFlight = undefined
          kept.failure = outcome.ok ? undefined : outcome
          if (outcome.ok) kept.value = outcome.value
          const life = outcome.ok ? (outcome.nextUpdate - clock()) * AHEAD : RETRY
          kept.due = after(Math.max(life, LEAST))
          settled(outcome, before)
        })
      return kept.inFlight
    },
  }
  return kept
}
