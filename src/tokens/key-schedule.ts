/** How long signing keys live. Milliseconds. */
export interface Rotation {
  /** A key signs for so long. */
  readonly interval: number
  /** A key is published for so long before it signs, so that those who keep the JWKS have it by then. */
  readonly propagation: number
  /** A key is published for so long after it signed last; no shorter than the longest token lives. */
  readonly retention: number
}

/** What of a key its place in time depends on. */
export interface Scheduled {
  /** The key signs from this moment on, milliseconds since 1970. */
  readonly activeFrom: number
}

/** The key that signs now: the newest that may. Before all of them, after a clock was set back, the oldest. */
export function currentOf<K extends Scheduled>(keys: readonly K[], now: number): K | undefined {
  const sorted = inOrder(keys)
  return sorted.findLast((key) => key.activeFrom <= now) ?? sorted[0]
}

/** When a key made now would begin to sign, if it is time to make one. The first begins at once. */
export function nextActivation(
  keys: readonly Scheduled[],
  now: number,
  { interval, propagation }: Rotation,
): number | undefined {
  const newest = inOrder(keys).at(-1)
  if (!newest) return now
  const due = newest.activeFrom + interval
  return now >= due - propagation ? Math.max(due, now + propagation) : undefined
}

/** The keys whose tokens may still be about, those to come included. */
export function publishedOf<K extends Scheduled>(
  keys: readonly K[],
  now: number,
  { retention }: Rotation,
): readonly K[] {
  const sorted = inOrder(keys)
  return sorted.filter((_key, index) => {
    const successor = sorted[index + 1]
    return successor === undefined || now < successor.activeFrom + retention
  })
}

function inOrder<K extends Scheduled>(keys: readonly K[]): readonly K[] {
  return keys.toSorted((one, other) => one.activeFrom - other.activeFrom)
}
