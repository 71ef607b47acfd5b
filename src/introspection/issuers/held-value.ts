export interface HeldValueOptions<T> {
  readonly load: () => Promise<T>
  /** Milliseconds, as all times here. */
  readonly maxAge: number
  /** How much longer it counts while it cannot be loaded. */
  readonly maxStale: number
  /** A clock that only goes forward. */
  readonly clock: () => number
}

/** Something fetched from elsewhere that is kept for a while. */
export interface HeldValue<T> {
  /** @throws what loading threw, when there is none that still counts */
  get(): Promise<T>
  /**
   * Loads it anew, unless that was tried less than so many milliseconds ago.
   * @returns whether it did. @throws what loading threw
   */
  renew(minInterval: number): Promise<boolean>
  /** Why it could not be loaded the last time it was tried. */
  readonly failure: string | undefined
}

/** After a failure the next one is not waited for sooner. */
const RETRY_AFTER = 1000

/** Keeps the last good value through an outage, for a bounded time. One load at a time. */
export function heldValue<T>({ load, maxAge, maxStale, clock }: HeldValueOptions<T>): HeldValue<T> {
  let held: { readonly value: T; readonly at: number } | undefined
  let loading: Promise<T> | undefined
  let triedAt = Number.NEGATIVE_INFINITY
  let failed: { readonly error: unknown } | undefined

  function reload(): Promise<T> {
    if (loading) return loading
    const at = (triedAt = clock())
    const current = load().then(
      (value) => {
        held = { value, at }
        failed = undefined
        return value
      },
      (error: unknown) => {
        failed = { error }
        throw error
      },
    )
    const end = () => (loading = undefined)
    current.then(end, end)
    return (loading = current)
  }

  return {
    get failure() {
      if (!failed) return undefined
      return failed.error instanceof Error ? failed.error.message : 'unknown'
    },
    async get() {
      const present = clock()
      const age = held ? present - held.at : Number.POSITIVE_INFINITY
      if (held && age < maxAge) return held.value
      const tooSoon = failed !== undefined && present - triedAt < RETRY_AFTER
      if (held && age < maxAge + maxStale) {
        // Whoever asks now is not to wait for what is merely getting old.
        if (!tooSoon) reload().catch(() => undefined)
        return held.value
      }
      if (tooSoon) throw failed?.error
      return reload()
    },
    async renew(minInterval) {
      if (loading) return loading.then(() => true)
      if (clock() - triedAt < minInterval) return false
      await reload()
      return true
    },
  }
}
