import type { Refusal } from '#contract'

/** What each OAuth error code looks like on the wire. The description is a function of the code alone. */
export const WIRE = {
  invalid_request: { status: 400, description: 'The request is malformed.' },
  invalid_client: { status: 401, description: 'Client authentication failed.' },
  invalid_grant: { status: 400, description: 'The grant is not valid.' },
  unauthorized_client: { status: 400, description: 'The client may not use this grant type.' },
  unsupported_grant_type: { status: 400, description: 'The grant type is not supported.' },
  invalid_scope: { status: 400, description: 'The scope is unknown or not allowed.' },
  invalid_target: { status: 400, description: 'The resource is unknown or not allowed.' },
  unsupported_token_type: { status: 400, description: 'The token type is not supported.' },
  missing_token: { status: 400, description: 'The token is missing.' },
  invalid_token: { status: 401, description: 'The access token is not valid here.' },
  invalid_dpop_proof: { status: 400, description: 'The DPoP proof is not valid here.' },
  use_dpop_nonce: { status: 400, description: 'The DPoP proof needs a nonce of ours.' },
  insufficient_scope: { status: 403, description: 'The access token lacks a scope.' },
  request_too_large: { status: 413, description: 'The request is too large.' },
  server_error: { status: 500, description: 'The request could not be processed.' },
  temporarily_unavailable: { status: 503, description: 'Try again later.' },
  // Said by a status without a body, where IdentityServer does so.
  unauthorized: { status: 401, description: '', bare: true },
  method_not_allowed: { status: 405, description: '', bare: true },
  unsupported_media_type: { status: 415, description: '', bare: true },
} as const satisfies Record<string, WireForm>

interface WireForm {
  readonly status: number
  readonly description: string
  /** No body and no challenge: the status is all. */
  readonly bare?: true
}

export type OAuthErrorCode = keyof typeof WIRE

/** Leaves an endpoint with an OAuth error: the code is for the caller, the refusal for the operator. */
export class OAuthError extends Error {
  override readonly name = 'OAuthError'
  readonly code: OAuthErrorCode
  readonly refusal: Refusal

  constructor(code: OAuthErrorCode, refusal: Refusal) {
    super(`${code}: ${refusal.reason}`)
    this.code = code
    this.refusal = refusal
  }
}

/** Somebody whom we need does not answer; nothing that needs the answer may pass. The caller may try again. */
export abstract class UnavailableError extends Error {
  /** A machine word, for the operator. */
  abstract readonly reason: string
}

/** The state store cannot answer. */
export class StateUnavailableError extends UnavailableError {
  override readonly name = 'StateUnavailableError'
  readonly reason = 'state-unavailable'

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : 'the state store does not answer', { cause })
  }
}

/** Another issuer cannot say whether a token of its counts. */
export class IssuerUnavailableError extends UnavailableError {
  override readonly name = 'IssuerUnavailableError'
  readonly reason = 'issuer-unavailable'
  /** Its answer, when there was one. */
  readonly status: number | undefined

  constructor(message: string, more: { readonly status?: number; readonly cause?: unknown } = {}) {
    super(message, more)
    this.status = more.status
  }
}

/** One thing wrong with what the operator wrote. */
export interface Fault {
  /** `file:line:column`, or the variable or flag that holds the value. */
  readonly at: string
  readonly message: string
  /**
   * `error`: nothing can be used. `disabled`: one part is left out, `serve` goes on, `check` fails.
   * `note`: somebody should look at it.
   */
  readonly severity: 'error' | 'disabled' | 'note'
}

/** The configuration cannot be used; carries all that is wrong with it at once. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly faults: readonly Fault[]

  constructor(faults: readonly Fault[]) {
    super(faults.map((fault) => `${fault.at}: ${fault.message}`).join('\n'))
    this.faults = faults
  }
}
