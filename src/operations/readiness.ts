/** Whether requests should come here, and what an operator should know. */
export interface Readiness {
  readonly ready: boolean
  readonly details: readonly string[]
}

/** What readiness depends on. */
export interface Condition {
  readonly stopping: boolean
  /** Somebody is there to take requests. */
  readonly serving: boolean
  /** When the listener's certificate ends. */
  readonly expires: Date
  readonly reloadFailed: boolean
  /** More for the operator to know. */
  readonly details: readonly string[]
}

export function readiness({
  stopping,
  serving,
  expires,
  reloadFailed,
  details,
}: Condition): Readiness {
  const expired = expires <= new Date()
  return {
    ready: !stopping && serving && !expired,
    details: [
      ...(stopping ? ['stopping'] : []),
      ...(expired ? ['the listener certificate has expired'] : []),
      ...details,
      ...(reloadFailed ? ['the last reload failed; an older configuration is serving'] : []),
    ],
  }
}
