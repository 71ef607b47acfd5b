import { argon2, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

import { LRUCache } from 'lru-cache'

import type { Argon2Hash, Argon2Parameters } from './stored-hash.ts'

export interface Argon2Limits {
  /** How many hash at once. Each occupies a thread of Node's pool and its memory. */
  readonly concurrency: number
  /** How many may wait; whoever comes then is turned away. */
  readonly queue: number
  /** How many proven secrets are remembered. */
  readonly remembered: number
}

/** `busy`: the queue is full, nothing was compared. */
export type Comparison = 'fits' | 'differs' | 'busy'

export interface Argon2Verifier {
  /** Whether this very secret was proven against this very value before. Costs no hashing. */
  remembers(hash: Argon2Hash, presented: string): boolean
  compare(hash: Argon2Hash, presented: string): Promise<Comparison>
  /** Spends what a comparison with these parameters costs. */
  spend(parameters: Argon2Parameters, presented: string): Promise<Comparison>
}

const hashed = promisify(argon2)
const SALT = randomBytes(16)

/**
 * Compares with argon2id hashes, a bounded number at once.
 *
 * An argon2id comparison takes tens of milliseconds by design, which no API can pay on each request, so what was
 * proven is remembered under an HMAC of registered value and secret. Only this process has the key, the secret itself
 * is not kept, another registered value is another entry, and wrong secrets are never remembered: guessing costs
 * the full price each time.
 */
export function argon2Verifier(limits: Argon2Limits): Argon2Verifier {
  const key = randomBytes(32)
  const proven = new LRUCache<string, true>({ max: limits.remembered })
  const running = new Map<string, Promise<Comparison>>()
  const enter = turnstile(limits)

  // A PHC string holds no NUL, so no two pairs run together.
  const nameOf = ({ phc }: Argon2Hash, presented: string) =>
    createHmac('sha256', key).update(`${phc}\0${presented}`).digest('base64')

  async function hashAndCompare(
    hash: Omit<Argon2Hash, 'kind' | 'phc'>,
    presented: string,
  ): Promise<Comparison> {
    const leave = await enter()
    if (leave === undefined) return 'busy'
    try {
      const { memory, passes, parallelism, salt: nonce, digest } = hash
      const tagLength = digest.length
      const input = { message: presented, nonce, parallelism, tagLength, memory, passes }
      return timingSafeEqual(await hashed('argon2id', input), digest) ? 'fits' : 'differs'
    } finally {
      leave()
    }
  }

  return {
    remembers: (hash, presented) => proven.get(nameOf(hash, presented)) === true,
    compare(hash, presented) {
      const name = nameOf(hash, presented)
      // A client that starts with many requests at once is hashed once, not turned away.
      const known = running.get(name)
      if (known) return known
      const comparison = hashAndCompare(hash, presented)
        .then((result) => {
          if (result === 'fits') proven.set(name, true)
          return result
        })
        .finally(() => running.delete(name))
      running.set(name, comparison)
      return comparison
    },
    spend: (parameters, presented) =>
      hashAndCompare({ ...parameters, salt: SALT, digest: SALT }, presented),
  }
}

/** Lets a number of callers in, has others wait, and turns the rest away with `undefined`. */
function turnstile({ concurrency, queue }: Argon2Limits) {
  let inside = 0
  const waiting: (() => void)[] = []
  const leave = () => {
    const next = waiting.shift()
    if (next) next()
    else inside -= 1
  }
  return async (): Promise<(() => void) | undefined> => {
    if (inside < concurrency) inside += 1
    else if (waiting.length >= queue) return undefined
    else await new Promise<void>((resolve) => waiting.push(resolve))
    return leave
  }
}
