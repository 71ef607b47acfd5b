import { IssuerUnavailableError } from '../../errors.ts'

export interface BreakerOptions {
  /** So many failures in a row, and calls fail at once. */
  readonly failures: number
  /** How long, the first time and at most; each failed attempt doubles it. Milliseconds. */
  readonly delay: number
  readonly maxDelay: number
  /** Milliseconds of a clock that only goes forward. */
  readonly clock: () => number
  /** Whether a failure counts; absent: each does. */
  readonly counts?: (error: unknown) => boolean
  /** Told when it opens, and why, and when it closes. */
  readonly onChange?: (open: boolean, why: string) => void
}

export interface CircuitBreaker {
  readonly open: boolean
  /** @throws what the call threw, or an IssuerUnavailableError without calling */
  run<T>(call: () => Promise<T>): Promise<T>
}

/** Spares one who does not answer, and those who would wait for it. When open, one call at a time finds out. */
export function circuitBreaker(options: BreakerOptions): CircuitBreaker {
  const {
    failures,
    delay,
    maxDelay,
    clock,
    counts = () => true,
    onChange = () => undefined,
  } = options
  let failed = 0
  let wait = delay
  let retryAt = 0
  let probing = false
  let why = ''
  const isOpen = () => failed >= failures
  return {
    get open() {
      return isOpen()
    },
    async run(call) {
      const probe = isOpen()
      if (probe && (probing || clock() < retryAt)) {
        throw new IssuerUnavailableError(`not asked again yet: ${why}`)
      }
      probing = probe
      try {
        const answer = await call()
        if (isOpen()) onChange(false, '')
        failed = 0
        wait = delay
        return answer
      } catch (error) {
        if (!counts(error)) throw error
        why = error instanceof Error ? error.message : 'unknown'
        failed++
        if (failed === failures) onChange(true, why)
        if (isOpen()) {
          retryAt = clock() + wait
          wait = Math.min(maxDelay, wait * 2)
        }
        throw error
      } finally {
        if (probe) probing = false
      }
    },
  }
}
