import type { Refusal } from '#contract'
import { LRUCache } from 'lru-cache'

/** Gets the text of a JWK Set. */
export type FetchKeys = (
  url: URL,
) => Promise<{ readonly ok: true; readonly text: string } | Failure>

export type Failure = Refusal & { readonly ok: false }

export interface RemoteRules {
  /** Seconds after which a set is fetched again. */
  readonly maxAge: number
  /** Seconds between two fetches because of a key id that the set does not have. */
  readonly minInterval: number
  /** Seconds for which a set counts when it cannot be fetched again. */
  readonly keepFor: number
}

/** A set as it was fetched; the same value until it is fetched again. */
export interface PublishedSet {
  readonly text: string
  readonly kids: ReadonlySet<unknown>
}

interface Known {
  set?: PublishedSet
  /** Milliseconds since 1970. */
  fetchedAt: number
  askedAt: number
  failure?: Failure
  inFlight?: Promise<void> | undefined
}

const MAX_SETS = 1000
/** A caller waits no longer; the fetch goes on without it. */
const PATIENCE = 700

/** What was fetched outlives the configuration: a reload during an outage must not lock clients out. */
const fetched = new LRUCache<string, Known>({ max: MAX_SETS })

/**
 * The keys that a client publishes. One fetch a set is under way; a key id that is unknown leads to another one, but not
 * too often; during an outage the last good set counts for a while.
 * @param kid the key that is wanted, when the assertion names one
 */
export async function publishedSet(
  url: URL,
  kid: unknown,
  now: number,
  rules: RemoteRules,
  fetch: FetchKeys,
): Promise<PublishedSet | Failure> {
  const known = fetched.get(url.href) ?? { fetchedAt: -Infinity, askedAt: -Infinity }
  fetched.set(url.href, known)
  const { set } = known
  const has = set !== undefined && (kid === undefined || set.kids.has(kid) || set.kids.size === 0)
  const fresh = now - known.fetchedAt < rules.maxAge * 1000
  if (set && has && fresh) return set
  if (!known.inFlight && now - known.askedAt >= rules.minInterval * 1000) {
    known.askedAt = now
    known.inFlight = refresh(known, url, now, fetch)
  }
  // One that has the key serves while it is fetched again.
  const counts = () => known.set && now - known.fetchedAt < rules.keepFor * 1000
  if (!(has && counts()) && known.inFlight) await within(PATIENCE, known.inFlight)
  if (known.set && counts()) return known.set
  return known.failure ?? { ok: false, reason: 'jwks-unavailable', hint: 'it is being fetched' }
}

async function refresh(known: Known, url: URL, now: number, fetch: FetchKeys): Promise<void> {
  const outcome = await fetch(url)
  const set = outcome.ok ? readSet(outcome.text) : undefined
  if (set) {
    known.set = set
    known.fetchedAt = now
    delete known.failure
  } else {
    known.failure = outcome.ok ? NO_SET : outcome
  }
  known.inFlight = undefined
}

const NO_SET: Failure = { ok: false, reason: 'jwks-unavailable', got: 'no JWK Set' }

function readSet(text: string): PublishedSet | undefined {
  try {
    const { keys } = JSON.parse(text) as { keys?: unknown }
    if (!Array.isArray(keys)) return undefined
    const kids = keys.flatMap((key: unknown) => (key as { kid?: unknown } | null)?.kid ?? [])
    return { text, kids: new Set(kids) }
  } catch {
    return undefined
  }
}

async function within(milliseconds: number, work: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, milliseconds)
  await Promise.race([work, promise])
  clearTimeout(timer)
}
