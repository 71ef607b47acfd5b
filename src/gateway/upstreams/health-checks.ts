import type { Balancer } from './balancer.ts'
import type { Dispatching, DispatchController, DispatchHandler } from './dispatching.ts'
import type { Target } from './target.ts'
import type { TargetAddress } from './target-address.ts'

/** How targets are asked whether they are well. Times are in milliseconds. */
export interface HealthRules {
  /** Answered with 2xx by a target that is well. */
  readonly path: string
  readonly interval: number
  readonly timeout: number
  /** So many good answers in a row after it was ill. */
  readonly healthy: number
  /** So many bad ones in a row. */
  readonly unhealthy: number
}

/** Checks that go on until they are closed. */
export interface HealthChecks {
  close(): void
}

/** How far the time between two checks may be off, so that many sidecars do not ask at once. */
const JITTER = 0.2

/** Asks each target by GET, now and then. @param open makes a connection for that alone */
export function healthChecks(
  balancer: Balancer,
  rules: HealthRules,
  open: (target: Target) => Dispatching,
): HealthChecks {
  const timers = new Map<Target, NodeJS.Timeout>()
  let isClosed = false

  for (const target of balancer.targets) {
    const dispatching = open(target)
    const judge = verdictOf(rules)
    const later = (milliseconds: number): void => {
      if (isClosed) return
      timers.set(target, setTimeout(() => void check(), milliseconds).unref())
    }
    const check = async (): Promise<void> => {
      const fault = await ask(dispatching, target.address, rules)
      if (isClosed) return
      const healthy = judge(fault === undefined)
      if (healthy !== undefined) balancer.checked(target, healthy, fault)
      later(rules.interval * (1 - JITTER / 2 + JITTER * Math.random()))
    }
    later(Math.random() * Math.min(rules.interval, 1000))
  }
  return {
    close() {
      isClosed = true
      for (const timer of timers.values()) clearTimeout(timer)
    },
  }
}

/** Counts answers in a row. @returns what they say of the target, when they say anything new */
export function verdictOf({
  healthy,
  unhealthy,
}: Pick<HealthRules, 'healthy' | 'unhealthy'>): (isGood: boolean) => boolean | undefined {
  let good = 0
  let bad = 0
  return (isGood) => {
    good = isGood ? good + 1 : 0
    bad = isGood ? 0 : bad + 1
    if (good >= healthy) return true
    return bad >= unhealthy ? false : undefined
  }
}

/** @returns what is wrong, or undefined */
function ask(
  dispatching: Dispatching,
  { text, host, port, socketPath }: TargetAddress,
  { path, timeout }: HealthRules,
): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  let held: DispatchController | undefined
  const limit = setTimeout(() => {
    resolve(`no answer in ${timeout} ms`)
    held?.abort(new Error('late'))
  }, timeout)
  const handler: DispatchHandler = {
    onRequestStart: (controller) => (held = controller),
    onResponseStarted: () => undefined,
    onResponseStart(controller, status) {
      if (status < 200) return
      resolve(status < 300 ? undefined : `status ${status}`)
      // nobody reads the rest, however long it is
      controller.abort(new Error('answered'))
    },
    onResponseData: () => undefined,
    onResponseEnd: () => undefined,
    onResponseError(_controller, error) {
      resolve((error as NodeJS.ErrnoException).code ?? error.message.slice(0, 100))
    },
  }
  const name = host.includes(':') ? `[${host}]` : host
  const authority = socketPath === undefined ? `${name}:${port}` : 'localhost'
  const headers = ['host', authority, 'user-agent', 'vouchgate-health-check']
  dispatching.dispatch({ method: 'GET', path, headers, body: null, servername: text }, handler)
  return promise.finally(() => {
    clearTimeout(limit)
  })
}
