import type { PeerCertificate } from './peer-certificate.ts'
import type { Confirmation } from './verdict.ts'

/** The caller, once proven. */
export interface Principal {
  readonly clientId: string
  readonly clientName?: string
  readonly scopes: readonly string[]
  /** The IANA name of the client authentication method, `bearer` or `dpop` for an access token. */
  readonly method: string
  /** When the proof ends; absent for a proof that came with the request itself. */
  readonly expiresAt?: Date
  readonly confirmation?: Confirmation
  /** The certificate of the connection that the request came on. */
  readonly peer?: PeerCertificate
}

export interface ForwardedRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly requestId: string
  /** The origin of the upstream: `http://127.0.0.1:8080`. */
  readonly upstream: string
}

/** A value, or several: each is sent on a line of its own. */
export type HeaderValues = string | readonly string[]

/** Tells the upstream who called. Slot `identity-headers`. */
export interface IdentityHeaders {
  /**
   * Every name that it may ever set; a trailing `*` covers all names that begin so.
   * Nobody else may send them: they are taken out of every request, whether or not this part is in use.
   * `X-Request-Id` is the gateway's own, on every route.
   */
  readonly names: readonly string[]
  /** Values must be visible ASCII; anything else is refused before it reaches the wire. */
  headers(principal: Principal, request: ForwardedRequest): Readonly<Record<string, HeaderValues>>
}
