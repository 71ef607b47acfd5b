import { hash } from 'node:crypto'

import { LRUCache } from 'lru-cache'

import { bytesOf, inactiveBytes, keep } from './kept-answer.ts'
import type { CacheLimits, KeptAnswer, KeptInactive } from './kept-answer.ts'
import { inactive } from './introspection.ts'
import type { ActiveToken, Introspect, Introspection } from './introspection.ts'
import type { RecentRevocations } from './recent-revocations.ts'

/** What became of look-ups, and what is kept now. */
export interface CacheFigures {
  readonly hits: number
  readonly misses: number
  /** Misses that joined the call of another. */
  readonly joined: number
  /** Last good answers given because nobody could say anew. */
  readonly stale: number
  /** Calls made before an answer ended, in the background. */
  readonly refreshed: number
  readonly entries: number
  readonly inactiveEntries: number
  /** As we reckon: what the answers and their places take. */
  readonly bytes: number
}

/** An answer that is known comes at once, not as a promise. Rejects when nobody can say. */
export type Lookup = (token: string, now: Date) => Introspection | Promise<Introspection>

export interface IntrospectionCache {
  /**
   * Remembers what `introspect` answers, as long as `CacheLimits` say. What depends on the request or on settings that
   * may change is not answered from here: the caller checks it each time.
   * @param identity names all that the answers depend on beside the token: issuers, endpoints, our credentials there
   */
  around(introspect: Introspect, identity: string): Lookup
  figures(): CacheFigures
}

interface Flight {
  readonly identity: string
  readonly epoch: number
  readonly answer: Promise<Introspection>
}

const REVOKED = inactive({ reason: 'token-revoked' })

/** How long after a failure a last good answer is given without asking again. Milliseconds. */
const RETRY_AFTER = 1000

/** It may be otherwise in a moment: a key that is new to us, a clock that is a little ahead. */
const PASSING = new Set(['jwt-kid-unknown', 'jwt-not-yet-valid'])

/**
 * One memory for the whole process: it outlives the snapshots. Tokens are kept as hashes only.
 * @param clock milliseconds of a clock that only goes forward
 */
export function introspectionCache(
  limits: CacheLimits,
  revoked: RecentRevocations,
  clock: () => number = () => performance.now(),
): IntrospectionCache {
  const good = new LRUCache<string, KeptAnswer>({ maxSize: limits.size, sizeCalculation: bytesOf })
  // Apart, so that whoever sends random tokens pushes out nothing but the like.
  const bad = new LRUCache<string, KeptInactive>({
    maxSize: Math.ceil(limits.size / 16),
    sizeCalculation: inactiveBytes,
  })
  const began = clock()
  const present = () => Math.floor(clock() - began)
  const flights = new Map<string, Flight>()
  const counts = { hits: 0, misses: 0, joined: 0, stale: 0, refreshed: 0 }

  /** Revocations may have been missed for so long that an answer of our own counts no more. */
  const deaf = (at: number) =>
    revoked.deafSince !== undefined && at >= revoked.deafSince - began + limits.maxStale

  /** Whether an answer can still be given at all, fresh or not. */
  const lives = (kept: KeptAnswer, at: number, now: Date) =>
    at < kept.staleUntil &&
    kept.endsAt * 1000 > now.getTime() &&
    (!kept.own || (kept.epoch === revoked.epoch && !deaf(at)))

  const isRevoked = ({ id }: ActiveToken) => id !== undefined && revoked.has(id)

  /** An answer from memory, unless it was revoked. That is looked up only when there are new revocations. */
  function give(kept: KeptAnswer): Introspection {
    const { count } = revoked
    if (kept.checkedRevocations === count) return kept.token
    if (isRevoked(kept.token)) return REVOKED
    kept.checkedRevocations = count
    return kept.token
  }

  function ask(key: string, token: string, now: Date, call: Introspect, identity: string) {
    const { epoch } = revoked
    const joined = flights.get(key)
    if (joined?.identity === identity && joined.epoch === epoch) {
      counts.joined++
      return joined.answer
    }
    // The answer is as old as the question: a revocation may arrive between the two.
    const at = present()
    const answer = call(token, now).then(
      (found) => {
        if (found.active && isRevoked(found)) return REVOKED
        if (flights.get(key) === flight) store(key, found, at, now, flight)
        return found
      },
      (error: unknown) => {
        const last = good.peek(key)
        if (last?.identity !== identity || !lives(last, present(), now)) throw error
        last.retryAt = present() + RETRY_AFTER
        if (present() >= last.freshUntil) counts.stale++
        return give(last)
      },
    )
    const flight: Flight = { identity, epoch, answer }
    flights.set(key, flight)
    const land = () => {
      if (flights.get(key) === flight) flights.delete(key)
    }
    answer.then(land, land)
    return answer
  }

  function store(key: string, found: Introspection, at: number, now: Date, flight: Flight): void {
    const { identity, epoch } = flight
    if (!found.active) {
      good.delete(key)
      const { refusal } = found
      if (limits.inactiveAge === 0 || PASSING.has(refusal.reason)) return
      bad.set(key, { refused: found, identity, until: at + limits.inactiveAge })
      return
    }
    bad.delete(key)
    const kept = keep(found, { identity, epoch, at, now, lifetime: revoked.lifetime }, limits)
    if (kept) good.set(key, kept)
    else good.delete(key)
  }

  /** @returns the answer when memory has one, else undefined */
  function recall(key: string, at: number, now: Date, identity: string, refresh: () => void) {
    const kept = good.get(key)
    if (kept?.identity !== identity) {
      const known = bad.get(key)
      if (known?.identity !== identity || at >= known.until) return undefined
      counts.hits++
      return known.refused
    }
    if (!lives(kept, at, now)) {
      good.delete(key)
      return undefined
    }
    const fresh = at < kept.freshUntil
    if (!fresh && at >= kept.retryAt) return undefined
    if (fresh) counts.hits++
    else counts.stale++
    if (fresh && at >= kept.refreshAt && at >= kept.retryAt && !flights.has(key)) refresh()
    return give(kept)
  }

  return {
    around: (introspect, identity) => (token, now) => {
      const key = hash('sha256', token, 'base64url')
      const at = present()
      const known = recall(key, at, now, identity, () => {
        counts.refreshed++
        ask(key, token, now, introspect, identity).catch(() => undefined)
      })
      if (known) return known
      counts.misses++
      return ask(key, token, now, introspect, identity)
    },
    figures: () => ({
      ...counts,
      entries: good.size,
      inactiveEntries: bad.size,
      bytes: good.calculatedSize + bad.calculatedSize,
    }),
  }
}

/** One text for all that answers depend on beside the token. */
export function cacheIdentity(parts: Readonly<Record<string, unknown>>): string {
  return hash('sha256', JSON.stringify(parts), 'base64url')
}
