import type { RefusedConnection } from '../http/listener-handlers.ts'
import type { Log } from './log.ts'
import type { Metrics } from './metrics.ts'

/** Between two log lines of one reason, in milliseconds. */
const QUIET = 10_000

/**
 * Counts the connections that were not taken or were ended, and says so in the log, but not for each: whoever can open
 * many would fill it. A line says how many there were since the one before.
 * @param clock milliseconds that only grow
 */
export function connectionLog(
  log: Log,
  metrics: Metrics,
  clock: () => number,
): (refused: RefusedConnection) => void {
  const spoken = new Map<RefusedConnection['reason'], { at: number; since: number }>()
  return ({ reason, remoteAddress, got }) => {
    metrics.connectionRefused(reason)
    const now = clock()
    const last = spoken.get(reason) ?? { at: now - QUIET, since: 0 }
    spoken.set(reason, last)
    last.since++
    if (now - last.at < QUIET) return
    log.warn({ reason, remoteAddress, got, count: last.since }, 'connection.refused')
    last.at = now
    last.since = 0
  }
}
