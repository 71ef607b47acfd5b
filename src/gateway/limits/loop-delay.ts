/** How late this process is with its work. */
export interface LoopDelay {
  /** Something is to be done: looks from now on, until there has been nothing to do for a while. */
  watch(): void
  /** Milliseconds that it was late in the better of the last two looks: one long pause alone is not an overload. */
  readonly lasting: number
}

/** Milliseconds between two looks. */
const INTERVAL = 100
/** Looks in a row that found nothing to do. */
const IDLE_LOOKS = 10

/** @param isBusy whether there is something to do */
export function loopDelay(isBusy: () => boolean): LoopDelay {
  let before = 0
  let last = 0
  let due = 0
  let idle = 0
  let timer: NodeJS.Timeout | undefined
  const look = (): void => {
    const now = performance.now()
    before = last
    last = now - due
    due = now + INTERVAL
    idle = isBusy() ? 0 : idle + 1
    if (idle < IDLE_LOOKS) {
      timer?.refresh()
      return
    }
    timer = undefined
    before = last = 0
  }
  return {
    watch() {
      idle = 0
      if (timer) return
      due = performance.now() + INTERVAL
      timer = setTimeout(look, INTERVAL).unref()
    },
    get lasting() {
      return Math.min(before, last)
    },
  }
}
