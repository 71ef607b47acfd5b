import type { Secret } from './client.ts'

/** What a token is bound to: the `cnf` claim (RFC 7800, RFC 8705 §3.1, RFC 9449 §6.1). */
export interface Confirmation {
  readonly 'x5t#S256'?: string
  readonly jkt?: string
}

/** Why something was refused. For the operator; nothing of it reaches the wire. */
export interface Refusal {
  /** A machine word: stable, kebab-case. */
  readonly reason: string
  readonly got?: string
  readonly want?: string
  /** What to do about it. */
  readonly hint?: string
  /** Nothing was found wrong: the same request may fit a little later. */
  readonly retryable?: true
}

/** One registered secret that was looked at, and why it did not fit. Never secret material. */
export interface Consideration extends Refusal {
  readonly secret: Secret
}

export type Verdict =
  | {
      readonly ok: true
      /** The secret that fitted. */
      readonly secret?: Secret
      readonly confirmation?: Confirmation
      /** A closer name of the method than the parser's: `self_signed_tls_client_auth`. */
      readonly method?: string
    }
  | (Refusal & { readonly ok: false; readonly considered?: readonly Consideration[] })
