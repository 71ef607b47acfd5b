import type { Target } from './target.ts'

/** When a target is left out, and for how long. Times are in milliseconds. */
export interface EjectionRules {
  /** So many failures in a row. */
  readonly failures: number
  /** The first time; each further time in a row it is twice as long. */
  readonly period: number
  readonly maxPeriod: number
}

/** What the balancer tells of targets. */
export interface BalancerEvents {
  /** It is out, and why, or in again. */
  onChange(target: Target, isIn: boolean, why?: string): void
  onFailure(target: Target, reason: string): void
}

/** Chooses the target of each request. */
export interface Balancer {
  readonly targets: readonly Target[]
  /** @param not tried already; the only target there is may be tried twice */
  choose(not?: Target): Target
  /** The target has answered. */
  succeeded(target: Target): void
  /** The target has failed, by its own fault. */
  failed(target: Target, reason: string): void
  /** What was to be found out by the request stays unknown: its client has gone. */
  undecided(target: Target): void
  /** The verdict of the health checks. */
  checked(target: Target, healthy: boolean, why?: string): void
}

/**
 * Least busy first. A target that keeps failing is left out for a while, then one request finds out
 * whether it is back. When all are out all are used: what is ill may still answer, nobody else will.
 * @param clock milliseconds that only grow
 */
export function createBalancer(
  targets: readonly [Target, ...Target[]],
  rules: EjectionRules,
  clock: () => number,
  { onChange, onFailure }: BalancerEvents,
): Balancer {
  const [first, ...others] = targets
  const isOut = ({ outUntil, healthy }: Target): boolean => outUntil !== 0 || !healthy
  const putOut = (target: Target, reason: string): void => {
    const wasIn = target.outUntil === 0
    const now = clock()
    // one that was back for less than it had been out goes on where it was
    if (wasIn && now - target.backSince >= target.lastOut) target.lastOut = 0
    target.lastOut = Math.min(target.lastOut * 2 || rules.period, rules.maxPeriod)
    target.failures = 0
    target.probing = false
    target.outUntil = now + target.lastOut
    if (wasIn) onChange(target, false, reason)
  }
  let turn = 0

  return {
    targets,
    choose(not) {
      if (others.length === 0) return first
      const now = clock()
      // each time from another one on, so that those alike share
      turn = (turn + 1) % targets.length
      let best: Target | undefined
      let lastResort: Target | undefined
      for (let i = 0; i < targets.length; i++) {
        const target = targets[(turn + i) % targets.length] ?? first
        if (target === not) continue
        if (isOut(target)) {
          if (target.healthy && !target.probing && target.outUntil <= now) {
            target.probing = true
            return target
          }
          if (lastResort === undefined || target.underWay < lastResort.underWay) lastResort = target
        } else if (best === undefined || target.underWay < best.underWay) best = target
      }
      return best ?? lastResort ?? first
    },
    succeeded(target) {
      target.failures = 0
      if (target.outUntil === 0) return
      target.outUntil = 0
      target.probing = false
      target.backSince = clock()
      if (target.healthy) onChange(target, true)
    },
    failed(target, reason) {
      onFailure(target, reason)
      target.failures++
      // a failure of those that were under way when it was put out says nothing new
      if (target.outUntil === 0 ? target.failures >= rules.failures : target.probing) {
        putOut(target, reason)
      }
    },
    undecided(target) {
      target.probing = false
    },
    checked(target, healthy, why) {
      if (target.healthy === healthy) return
      target.healthy = healthy
      if (target.outUntil === 0) onChange(target, healthy, why)
    },
  }
}
