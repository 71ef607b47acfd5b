import type { BasicDecoding } from './credential.ts'

/** What is registered to check a credential against: a hash, a thumbprint, a name, a key. */
export interface Secret {
  /** `SharedSecret`, `X509Thumbprint`, `X509Name`, `X509CertificateBase64`, `JWK` or a plugin's own. */
  readonly type: string
  readonly value: string
  readonly description?: string
  /** The secret counts until this moment. */
  readonly expiration?: Date
  /** The value was kept elsewhere: in the environment or in a file of its own. */
  readonly referenced?: true
  /** Further properties of the definition, for the validator that owns the type. */
  readonly properties: Readonly<Record<string, unknown>>
}

export interface ClientClaim {
  readonly type: string
  readonly value: string
}

/** A registered machine caller. */
export interface Client {
  readonly clientId: string
  readonly clientName?: string
  readonly enabled: boolean
  readonly clientSecrets: readonly Secret[]
  /** False: naming the client is enough. Fit for public data only. */
  readonly requireClientSecret: boolean
  /** When present, the only authentication methods (IANA names) this client may use. */
  readonly allowedAuthenticationMethods?: readonly string[]
  readonly allowedGrantTypes: readonly string[]
  readonly allowedScopes: readonly string[]
  readonly accessTokenType: 'Jwt' | 'Reference'
  /** Seconds. */
  readonly accessTokenLifetime: number
  /** Its tokens are bound to a key (RFC 9449): it gets none without a proof. */
  readonly requireDPoP?: boolean
  /** Static claims for the tokens of this client. */
  readonly claims: readonly ClientClaim[]
  /** Put before the type of each static claim. */
  readonly clientClaimsPrefix: string
  /** How this client's Basic header is read. */
  readonly basicDecoding: BasicDecoding
}
