/** How a request fared at a target that gave no whole answer. */
export interface Trial {
  readonly method: string
  /** Nothing of the body was read yet, or all of it is held. */
  readonly repeatable: boolean
  /** It may have reached the target. */
  readonly sent: boolean
  /** A part of an answer came, if only a byte. */
  readonly answered: boolean
  /** What had served requests before broke, as happens when the other side closes it at that moment. */
  readonly onKeptConnection: boolean
  /** The target said that it did nothing (RFC 9113 §8.7). */
  readonly refusedUnread: boolean
  readonly timedOut: boolean
}

/** Those that do no more when they are done twice (RFC 9110 §9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])

/**
 * Whether the request may be sent once more (RFC 9110 §9.2.2, RFC 9113 §8.7): `another` target may
 * have it, or `any`, also the same. Undefined: it may have been acted on.
 */
export function mayTryAgain(trial: Trial): 'another' | 'any' | undefined {
  if (trial.answered || !trial.repeatable) return undefined
  if (!trial.sent || trial.refusedUnread) return trial.timedOut ? 'another' : 'any'
  const broke = trial.onKeptConnection && !trial.timedOut
  return broke && IDEMPOTENT.has(trial.method) ? 'any' : undefined
}
