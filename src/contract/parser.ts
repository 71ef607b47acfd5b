import type { AuthRequest } from './auth-request.ts'
import type { Credential, CredentialKind, Malformed } from './credential.ts'

/** Reads a credential from a request. Slot `parsers`. */
export interface Parser<K extends CredentialKind = CredentialKind> {
  /** The IANA name of the client authentication method: `client_secret_basic`, `private_key_jwt` … */
  readonly method: string
  /** Further method names for the discovery documents, when one parser serves several. */
  readonly advertises?: readonly string[]
  readonly produces: K
  /** Counts only when nothing explicit was sent: a TLS certificate is there whether or not it is meant. */
  readonly ambient?: boolean
  /** The scheme to name in a `WWW-Authenticate` challenge, when the method has one. */
  readonly challenge?: string
  /** @returns the credential, what is wrong with it, or `undefined`: not mine. Must not throw. */
  parse(request: AuthRequest): Credential<K> | Malformed | undefined
}
