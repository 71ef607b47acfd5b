/** When a worker that has ended is replaced. Times in milliseconds. */
export interface RestartPace {
  /** It has ended, just now. @returns how long to wait before the next one begins */
  ended(): number
  /** It ended so often in the last minute that something must be wrong. */
  readonly isFailing: boolean
}

const WINDOW = 60_000
const FIRST_DELAY = 250
const LONGEST_DELAY = 10_000
const TOO_OFTEN = 5

/** At once after a first end, then later and later, but never not at all. @param clock only goes forward */
export function restartPace(clock: () => number): RestartPace {
  let ends: readonly number[] = []
  const recent = () => ends.filter((at) => clock() - at < WINDOW)
  return {
    ended() {
      // More of them would say nothing new.
      ends = [...recent().slice(-TOO_OFTEN * 2), clock()]
      const before = ends.length - 1
      return before === 0 ? 0 : Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** (before - 1))
    },
    get isFailing() {
      return recent().length >= TOO_OFTEN
    },
  }
}
