import type { PeerCertificate } from './peer-certificate.ts'

/** Which door the request came through: an endpoint of our own, or the API behind us. */
export type Purpose = 'token' | 'introspection' | 'revocation' | 'api'

/** All that a parser may know of a request. No framework type crosses this line. */
export interface AuthRequest {
  readonly purpose: Purpose
  readonly method: string
  /** The path without the query, as it was sent. */
  readonly path: string
  /** Names in lower case. A repeated security header was refused before this was built. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The form fields; empty on `api`, where a body is never consumed. Repeated fields were refused earlier. */
  readonly form: ReadonlyMap<string, string>
  /** The address of the other end of the connection: the client's, or that of a proxy before us. */
  readonly remoteAddress?: string
  /** The address that the request came from first, as far as proxies say whom the operator trusts. */
  readonly callerAddress?: string
  /**
   * The certificate of the client: of the TLS handshake with us, or, behind a proxy that a parser
   * knows (`Parser.behindProxy`), of the handshake with that.
   */
  readonly peer?: PeerCertificate
}
