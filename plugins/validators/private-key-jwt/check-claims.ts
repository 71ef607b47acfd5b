import type { Refusal } from '#contract'

import type { Members } from './assertion.ts'
import { checkAudience } from './check-audience.ts'
import type { AudienceRule } from './check-audience.ts'
import { show } from './show.ts'

export interface ClaimRules {
  readonly clientId: string
  readonly audiences: readonly string[]
  readonly audience: AudienceRule
  /** Seconds. */
  readonly clockSkew: number
  /** Seconds from now to `exp`. */
  readonly maxLifetime: number
  readonly now: Date
}

export type Claims =
  | {
      readonly ok: true
      readonly jti: string
      /** When the assertion counts no more, skew included. */
      readonly until: Date
    }
  | (Refusal & { readonly ok: false })

const MAX_JTI = 256

/** The claims of a client assertion (RFC 7523 §3), all required save `iat` and `nbf`. */
export function checkClaims(claims: Members, rules: ClaimRules): Claims {
  const { exp, jti } = claims
  const refusal =
    checkParty('iss', claims, rules) ??
    checkParty('sub', claims, rules) ??
    checkAudience(claims['aud'], rules.audiences, rules.audience) ??
    checkTimes(claims, rules)
  if (refusal) return { ok: false, ...refusal }
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI)
    return {
      ok: false,
      reason: 'jwt-jti',
      got: show(jti),
      want: `a unique text of at most ${MAX_JTI} characters`,
    }
  return { ok: true, jti, until: new Date((Number(exp) + rules.clockSkew) * 1000) }
}

export type TimeRules = Pick<ClaimRules, 'clockSkew' | 'maxLifetime' | 'now'>

/** Whether the assertion counts now: `exp` is required, `nbf` and `iat` are not. */
export function checkTimes(claims: Members, rules: TimeRules): Refusal | undefined {
  return (
    checkExpiry(claims['exp'], rules) ??
    checkBegin('nbf', claims, rules) ??
    checkBegin('iat', claims, rules)
  )
}

function checkParty(name: 'iss' | 'sub', claims: Members, { clientId }: ClaimRules) {
  const value = claims[name]
  if (value === clientId) return undefined
  return { reason: `jwt-${name}`, got: show(value), want: show(clientId) }
}

function checkExpiry(exp: unknown, rules: TimeRules): Refusal | undefined {
  const left = secondsFromNow(exp, rules)
  if (left === undefined)
    return { reason: 'jwt-exp', got: show(exp), want: 'seconds since 1970, as a number' }
  if (left <= -rules.clockSkew)
    return {
      reason: 'jwt-expired',
      got: `expired ${Math.round(-left)} s ago`,
      want: `a clock skew of at most ${rules.clockSkew} s`,
    }
  if (left <= rules.maxLifetime + rules.clockSkew) return undefined
  return {
    reason: 'assertion-lifetime',
    got: `expires in ${Math.round(left)} s`,
    want: `at most ${rules.maxLifetime} s ahead`,
  }
}

function checkBegin(name: 'iat' | 'nbf', claims: Members, rules: TimeRules): Refusal | undefined {
  const value = claims[name]
  if (value === undefined) return undefined
  const ahead = secondsFromNow(value, rules)
  if (ahead === undefined)
    return { reason: `jwt-${name}`, got: show(value), want: 'seconds since 1970, as a number' }
  if (ahead <= rules.clockSkew) return undefined
  return {
    reason: 'jwt-not-yet-valid',
    got: `${name} ${Math.round(ahead)} s ahead`,
    want: `a clock skew of at most ${rules.clockSkew} s`,
  }
}

function secondsFromNow(value: unknown, { now }: TimeRules): number | undefined {
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined
  return value - now.getTime() / 1000
}
