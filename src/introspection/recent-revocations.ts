/** Which tokens were revoked lately: an answer from memory may be older than that. */
export interface RecentRevocations {
  /** Milliseconds that a revocation is remembered; no answer may be kept for longer. */
  readonly lifetime: number
  /** Goes up when revocations were missed or dropped too early: answers from before count no more. */
  readonly epoch: number
  /** How many revocations there ever were. */
  readonly count: number
  /** Since when revocations may be missed, by the same clock; undefined: none is. */
  readonly deafSince: number | undefined
  /** Told whether the channel that revocations come on is there. */
  connected(isThere: boolean): void
  add(id: string): void
  has(id: string): boolean
}

export interface RecentRevocationsOptions {
  readonly lifetime: number
  /** How many are remembered. */
  readonly entries: number
  /** Milliseconds of a clock that only goes forward. */
  readonly clock: () => number
}

const MAX_ID = 100

/** One for the whole process: it outlives the snapshots, and with them their caches. */
export function recentRevocations({
  lifetime,
  entries,
  clock,
}: RecentRevocationsOptions): RecentRevocations {
  const revoked = new Map<string, number>()
  let epoch = 0
  let count = 0
  let deafSince: number | undefined
  const dropOld = (present: number) => {
    for (const [id, at] of revoked) {
      if (present - at <= lifetime) return
      revoked.delete(id)
    }
  }
  return {
    lifetime,
    get epoch() {
      return epoch
    },
    get count() {
      return count
    },
    get deafSince() {
      return deafSince
    },
    connected(isThere) {
      if (isThere && deafSince !== undefined) epoch++
      deafSince = isThere ? undefined : (deafSince ?? clock())
    },
    add(id) {
      // It may come from whoever may write to a shared store.
      if (id.length > MAX_ID) return
      const present = clock()
      dropOld(present)
      // Last in, last out, so that the oldest stand in front.
      revoked.delete(id)
      if (revoked.size >= entries) {
        revoked.clear()
        epoch++
      }
      revoked.set(id, present)
      count++
    },
    has: (id) => revoked.has(id),
  }
}
