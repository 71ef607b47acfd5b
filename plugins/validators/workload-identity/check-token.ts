import type { Refusal } from '#contract'

import { familyOf, verifySignature } from '../private-key-jwt/algorithms.ts'
import type { AlgorithmName } from '../private-key-jwt/algorithms.ts'
import type { Assertion, Members } from '../private-key-jwt/assertion.ts'
import { checkAudience } from '../private-key-jwt/check-audience.ts'
import { checkTimes } from '../private-key-jwt/check-claims.ts'
import { show } from '../private-key-jwt/show.ts'
import type { IssuerOptions } from './options.ts'
import type { BundleKey } from './read-bundle.ts'

const MAX_TRIES = 8

/** @returns why no key of the issuer signed the token, or undefined: one did */
export function signatureFault(
  { header, input, signature }: Assertion,
  algorithm: AlgorithmName,
  keys: readonly BundleKey[],
): Refusal | undefined {
  const { kid } = header
  const named = keys.filter((one) => kid === undefined || one.kid === kid)
  if (named.length === 0) return { reason: 'jwt-kid-unknown', got: `kid ${show(kid)}` }
  const fitting = named
    .filter((one) => one.family === familyOf(algorithm))
    .filter(({ alg = algorithm }) => alg === algorithm)
  const signed = fitting
    .slice(0, MAX_TRIES)
    .some((one) => verifySignature(algorithm, one.key, input, signature))
  return signed ? undefined : { reason: 'jwt-signature' }
}

export interface TokenRules {
  readonly from: IssuerOptions
  /** Seconds. */
  readonly clockSkew: number
  readonly now: Date
}

/**
 * What the claims of a workload's token must say beside who it is: for us alone, and not for long. It may be used again
 * and again, which is how such tokens are made.
 */
export function claimFault(claims: Members, rules: TokenRules): Refusal | undefined {
  const { from, clockSkew, now } = rules
  const { audience, maxLifetime } = from
  const { iat, exp } = claims
  const fault =
    checkAudience(claims['aud'], [audience], 'issuer') ??
    checkTimes(claims, { clockSkew, maxLifetime, now })
  if (fault) return fault
  // Kubernetes always says when; for a JWT-SVID it is optional.
  if (iat === undefined && from.trustDomain !== undefined) return undefined
  const lifetime = Number(exp) - Number(iat)
  if (iat !== undefined && lifetime <= maxLifetime + clockSkew) return undefined
  return iat === undefined
    ? { reason: 'jwt-iat', got: show(iat), want: 'seconds since 1970, as a number' }
    : { reason: 'assertion-lifetime', got: `${lifetime} s`, want: `at most ${maxLifetime} s` }
}
