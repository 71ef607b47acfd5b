import type { Confirmation, Refusal } from '#contract'

/** A token that counts, and the caller that it stands for. */
export interface ActiveToken {
  readonly active: true
  /** The issuer, when it is not us. */
  readonly issuer?: string
  /** What a revocation of it says, the same however the token is written; absent: it is not ours to revoke. */
  readonly id?: string
  /** As the issuer names the client. */
  readonly clientId: string
  readonly scopes: readonly string[]
  readonly audience: readonly string[]
  /** Absent when the issuer does not say. */
  readonly expiresAt?: Date
  readonly confirmation?: Confirmation
}

export interface InactiveToken {
  readonly active: false
  readonly refusal: Refusal
}

/** A token → the caller that it stands for, or inactive (RFC 7662). */
export type Introspection = ActiveToken | InactiveToken

/** Rejects, with an UnavailableError or another, when nobody can say: the caller refuses then. */
export type Introspect<Token extends ActiveToken = ActiveToken> = (
  token: string,
  now: Date,
) => Promise<Token | InactiveToken>

export function inactive(refusal: Refusal): InactiveToken {
  return { active: false, refusal }
}
