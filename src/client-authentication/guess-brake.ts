import { sourceOf } from '../http/source-of.ts'
import type { GuessCounts } from './guess-counts.ts'

/** When guessing is slowed down, and how far. Times in milliseconds. */
export interface BrakeLimits {
  /** Wrong secrets for one client from one source that are answered at once. */
  readonly threshold: number
  /** How long a wrong secret is held against its source. */
  readonly window: number
  /** The longest that a refusal is kept back. */
  readonly maxDelay: number
}

/** A wrong secret. */
export interface Guess {
  readonly clientId: string
  /** The address that it came from. */
  readonly source: string
}

/**
 * Slows the guessing of secrets. Only refusals are kept back: a right secret is accepted at once,
 * however many wrong ones came before it, so nobody can lock a client out.
 */
export interface GuessBrake {
  /**
   * Counts a wrong secret and resolves when the refusal may be sent.
   * @returns false when too many are kept back already: then nothing is to be said of this one
   */
  failed(guess: Guess, limits: BrakeLimits): Promise<boolean>
}

export interface BrakeServices {
  readonly counts: GuessCounts
  /** How many processes of this machine serve: each may keep back its share. */
  readonly processes: number
  /** Milliseconds since 1970. */
  now(): number
  sleep(milliseconds: number): Promise<void>
  /** A source has just used up its free attempts. */
  onSuspicion(guess: Guess): void
}

/** Refusals that are kept back, at the most. */
const MOST = { waiting: 1000, waitingOfSource: 20 }
const FIRST_DELAY = 100
/** Guesses for whatever client that a source has before all its refusals are kept back. */
const CLIENTS_PER_SOURCE = 10

export function guessBrake(services: BrakeServices): GuessBrake {
  const { counts, processes, now, sleep, onSuspicion } = services
  const most = {
    waiting: Math.ceil(MOST.waiting / processes),
    waitingOfSource: Math.ceil(MOST.waitingOfSource / processes),
  }
  let waiting = 0
  const waitingOf = new Map<string, number>()

  return {
    async failed(guess, { threshold, window, maxDelay }) {
      const { clientId } = guess
      const source = sourceOf(guess.source)
      const until = now() + window
      const [pair, all] = await Promise.all([
        counts.count(JSON.stringify([source, clientId]), until),
        counts.count(JSON.stringify([source]), until),
      ])
      const over = Math.max(pair - threshold, all - threshold * CLIENTS_PER_SOURCE)
      if (over <= 0) return true
      if (over === 1) onSuspicion(guess)
      // Beyond this many the delays themselves would be the attack.
      const own = waitingOf.get(source) ?? 0
      if (waiting >= most.waiting || own >= most.waitingOfSource) return false
      waiting++
      waitingOf.set(source, own + 1)
      try {
        await sleep(Math.min(maxDelay, FIRST_DELAY * 2 ** Math.min(over - 1, 20)))
        return true
      } finally {
        waiting--
        const left = (waitingOf.get(source) ?? 1) - 1
        if (left > 0) waitingOf.set(source, left)
        else waitingOf.delete(source)
      }
    },
  }
}
