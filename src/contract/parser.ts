import type { AuthRequest } from './auth-request.ts'
import type { Credential, CredentialKind, Malformed } from './credential.ts'
import type { PeerCertificate } from './peer-certificate.ts'

/** What a proxy says of the connection between its client and itself. */
export interface RelayedConnection {
  /** The certificate that the client proved to hold; absent: it sent none. */
  readonly peer?: PeerCertificate
}

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
  /**
   * The names of headers that speak to this parser alone; a trailing `*` covers all names that begin so.
   * They are taken out of every request that is forwarded, whoever sent them.
   */
  readonly privateHeaders?: readonly string[]
  /**
   * Whether the connection is a proxy's, and what the proxy says of its client. `peer` is that of
   * the connection. Asked before any parser parses: they all see the certificate of the client in
   * place of the proxy's, and none when it sent none.
   * @returns what the proxy says, what is wrong with it, or `undefined`: not a proxy that I know. Must not throw.
   */
  behindProxy?(request: AuthRequest): RelayedConnection | Malformed | undefined
  /** @returns the credential, what is wrong with it, or `undefined`: not mine. Must not throw. */
  parse(request: AuthRequest): Credential<K> | Malformed | undefined
}
