import type { ActiveToken, InactiveToken } from './introspection.ts'

/** How much is remembered, and for how long. Times in milliseconds. */
export interface CacheLimits {
  /** Bytes, all in all. */
  readonly size: number
  /** The longest that an answer counts without being asked for anew. */
  readonly maxAge: number
  /** Instead of `maxAge`, for a token that does not say when it ends. */
  readonly withoutExpiry: number
  /** How much longer the last good answer counts while nobody can say anew; never past the end of the token. */
  readonly maxStale: number
  /** How long it is remembered that a token does not count. */
  readonly inactiveAge: number
}

/**
 * An active answer in memory. Times but the token's own are whole milliseconds since the memory began, by a clock that
 * only goes forward: small whole numbers lie in the object itself, all others somewhere else.
 */
export interface KeptAnswer {
  readonly token: ActiveToken
  readonly identity: string
  readonly epoch: number
  /** A token of ours: its revocation is told to us. */
  readonly own: boolean
  /** The end of the token by the clock on the wall, in seconds since 1970. */
  readonly endsAt: number
  /** From here on it is asked for anew in the background. */
  readonly refreshAt: number
  readonly freshUntil: number
  readonly staleUntil: number
  /** Not asked for anew before: the last time failed. */
  retryAt: number
  /** How many revocations there had been when it was last seen not to be among them. */
  checkedRevocations: number
}

export interface KeptInactive {
  readonly refused: InactiveToken
  readonly identity: string
  readonly until: number
}

interface Asked {
  readonly identity: string
  readonly epoch: number
  /** When it was asked, as times in `KeptAnswer`, and by the clock on the wall. */
  readonly at: number
  readonly now: Date
  /** No answer may be kept for longer than revocations are. */
  readonly lifetime: number
}

const REFRESH_FROM = 0.8
/** Beyond the end of every answer. */
const DAY = 86_400_000

/** An answer with its times, or undefined when it is not to be kept at all. */
export function keep(
  token: ActiveToken,
  asked: Asked,
  limits: CacheLimits,
): KeptAnswer | undefined {
  const { identity, epoch, at, now, lifetime } = asked
  // Of the clock on the wall there is only this: how long the token still lives. A clock put back does not prolong it.
  const left = token.expiresAt ? token.expiresAt.getTime() - now.getTime() : limits.withoutExpiry
  const fresh = Math.floor(Math.min(limits.maxAge, left, lifetime))
  if (fresh <= 0) return undefined
  const stale = token.expiresAt ? Math.min(fresh + limits.maxStale, left, lifetime) : fresh
  const staleUntil = at + Math.floor(stale)
  return {
    token,
    identity,
    epoch,
    own: token.issuer === undefined,
    endsAt: Math.floor((token.expiresAt?.getTime() ?? now.getTime() + DAY) / 1000),
    // Asking anew helps only when something but the end of the token ends the answer.
    refreshAt: fresh < left ? at + Math.floor(fresh * REFRESH_FROM) : staleUntil,
    freshUntil: at + fresh,
    staleUntil,
    retryAt: 0,
    checkedRevocations: -1,
  }
}

/** Measured in `bench/introspection-cache.ts`: an entry with its place, key and dates, but without its texts. */
const ENTRY = 460
const TEXT = 32
const INACTIVE_ENTRY = 400

/** About so many bytes of memory. */
export function bytesOf({ token }: KeptAnswer): number {
  const { clientId, scopes, audience, issuer = '', confirmation } = token
  const texts = [clientId, ...scopes, ...audience, issuer]
  const bound = confirmation ? 150 : 0
  return texts.reduce((sum, text) => sum + TEXT + text.length, ENTRY + bound)
}

export function inactiveBytes({ refused: { refusal } }: KeptInactive): number {
  const { got = '', want = '', hint = '' } = refusal
  return INACTIVE_ENTRY + got.length + want.length + hint.length
}
