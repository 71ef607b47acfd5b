import type { Refusal } from '#contract'

/** What each OAuth error code looks like on the wire. The description is a function of the code alone. */
export const WIRE = {
  invalid_request: { status: 400, description: 'The request is malformed.' },
  invalid_client: { status: 401, description: 'Client authentication failed.' },
  invalid_grant: { status: 400, description: 'The grant is not valid.' },
  unauthorized_client: { status: 400, description: 'The client may not use this grant type.' },
  unsupported_grant_type: { status: 400, description: 'The grant type is not supported.' },
  invalid_scope: { status: 400, description: 'The scope is unknown or not allowed.' },
  invalid_token: { status: 401, description: 'The access token is not valid here.' },
  insufficient_scope: { status: 403, description: 'The access token lacks a scope.' },
  request_too_large: { status: 413, description: 'The request is too large.' },
  server_error: { status: 500, description: 'The request could not be processed.' },
  temporarily_unavailable: { status: 503, description: 'Try again later.' },
} as const satisfies Record<string, { status: number; description: string }>

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

/** The state store cannot answer; nothing that needs it may pass. */
export class StateUnavailableError extends Error {
  override readonly name = 'StateUnavailableError'

  constructor(cause: unknown) {
    super(cause instanceof Error ? cause.message : 'the state store does not answer', { cause })
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
