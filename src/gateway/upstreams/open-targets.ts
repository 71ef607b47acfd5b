import type { SecureContext } from 'node:tls'

import { createBalancer } from './balancer.ts'
import type { Balancer, BalancerEvents, EjectionRules } from './balancer.ts'
import type { Dispatching } from './dispatching.ts'
import { healthChecks } from './health-checks.ts'
import type { HealthRules } from './health-checks.ts'
import { http1Dispatching } from './http1-dispatching.ts'
import type { DispatchLimits } from './http1-dispatching.ts'
import { http2Dispatching } from './http2-dispatching.ts'
import { STREAMS } from './http2-session.ts'
import { newTarget } from './target.ts'
import type { Target } from './target.ts'
import { targetAddress } from './target-address.ts'
import { tlsContext, tlsOptions } from './upstream-tls.ts'
import type { TlsMaterial } from './upstream-tls.ts'

/** What the targets of an upstream have in common. Times are in milliseconds. */
export interface TargetOptions {
  /** One or more: `http://host:port`, `https://host:port`, `unix:/path`. */
  readonly targets: readonly string[]
  /** How they are spoken to; default HTTP/1.1. */
  readonly protocol?: 'http1' | 'h2'
  /** How many connections to a target there may be; default 256. */
  readonly connections?: number
  readonly timeouts?: {
    /** For a connection, a new one or a free one; default 10 s. */
    readonly connect?: number
    /** From the end of the request to the head of the answer; default 60 s. */
    readonly headers?: number
    /** Between two pieces of the answer, on either side; default 300 s. */
    readonly idle?: number
  }
  readonly tls?: TlsMaterial | undefined
  readonly ejection?: EjectionRules
  readonly health?: HealthRules | undefined
  readonly events?: TargetEvents
}

/** What is told of targets. */
export interface TargetEvents extends BalancerEvents {
  onRetry(target: Target): void
}

/** The targets of an upstream, ready to be used. */
export interface OpenTargets {
  readonly balancer: Balancer
  readonly limits: DispatchLimits
  /** Requests that a target can have at once, without one that waits. */
  readonly capacity: number
  onRetry(target: Target): void
  close(grace: number): Promise<void>
}

const SILENT: TargetEvents = {
  onChange: () => undefined,
  onFailure: () => undefined,
  onRetry: () => undefined,
}

const EJECTION: EjectionRules = { failures: 5, period: 10_000, maxPeriod: 300_000 }

/** Opens connections to nothing yet. @throws TypeError for a target that is not a bare origin or socket */
export function openTargets(options: TargetOptions): OpenTargets {
  const { connections = 256, timeouts = {}, protocol = 'http1', events = SILENT } = options
  const { connect = 10_000, headers = 60_000, idle = 300_000 } = timeouts
  const limits: DispatchLimits = { connections, connect, headers, idle }
  const isHttp2 = protocol === 'h2'
  const dispatchingOf = isHttp2 ? http2Dispatching : http1Dispatching
  const addresses = options.targets.map(targetAddress)
  const context: SecureContext | undefined = addresses.some(({ secure }) => secure)
    ? tlsContext(options.tls ?? {})
    : undefined
  const checkers: Dispatching[] = []
  const [first, ...others] = addresses.map((address) => {
    const tls =
      address.secure && context ? tlsOptions(address, options.tls?.serverName, context) : undefined
    return newTarget(address, tls, dispatchingOf(address, tls, limits))
  })
  if (!first) throw new TypeError('an upstream must have a target')
  const balancer = createBalancer(
    [first, ...others],
    options.ejection ?? EJECTION,
    () => performance.now(),
    events,
  )
  const { health } = options
  const checks =
    health &&
    healthChecks(balancer, health, ({ address, tls }) => {
      // of its own: it must not wait behind the requests
      const checker = dispatchingOf(address, tls, {
        connections: 1,
        connect: health.timeout,
        headers: health.timeout,
        idle: health.timeout,
      })
      checkers.push(checker)
      return checker
    })
  return {
    balancer,
    limits,
    capacity: connections * (isHttp2 ? STREAMS : 1),
    onRetry: events.onRetry,
    async close(grace) {
      checks?.close()
      const all = balancer.targets.map(({ dispatching }) => dispatching)
      const destroy = () => Promise.all(all.map((one) => one.destroy()))
      const deadline = setTimeout(() => void destroy(), grace)
      await Promise.all(checkers.map((one) => one.destroy())).catch(() => undefined)
      await Promise.all(all.map((one) => one.close().catch(() => undefined)))
      clearTimeout(deadline)
    },
  }
}
