/** Where IdentityServer and the RFCs differ on the wire, and what we do then. */
export interface Compatibility {
  /** RFC 6749 §5.2 wants 401 and a challenge; IdentityServer answers 400 without one. */
  readonly invalidClientStatus: 400 | 401
  /** Whether an error answer carries `error_description`. */
  readonly describesErrors: boolean
  readonly missingGrantType: 'invalid_request' | 'unsupported_grant_type'
  /** IdentityServer gives no token without a scope. */
  readonly needsScope: boolean
  /** `sub` = client id in access tokens (RFC 9068 §2.2). */
  readonly emitsSubject: boolean
  /** `scope` as one string (RFC 9068 §2.2.3) or as an array. */
  readonly scopeAs: 'string' | 'array'
  readonly emitsNotBefore: boolean
  readonly cacheControl: string
  /** What the introspection and revocation endpoints say to another method than POST. */
  readonly notPost: 'invalid_request' | 'method_not_allowed'
  /** What they say to a body that is no form. */
  readonly notForm: 'invalid_request' | 'unsupported_media_type'
  /** What the introspection endpoint says to a caller that is not proven. */
  readonly unprovenCaller: 'invalid_client' | 'unauthorized'
  /** What the introspection endpoint says when there is no token. */
  readonly missingToken: 'invalid_request' | 'missing_token'
  /** RFC 7009 §2.1 lets an unknown `token_type_hint` pass; IdentityServer refuses it. */
  readonly refusesUnknownHint: boolean
  /** Signs access tokens unless the settings say. */
  readonly signingAlgorithm: 'ES256' | 'RS256'
  /** A token whose scopes no resource owns names the issuer as its audience, or nobody. */
  readonly defaultAudience: 'issuer' | 'none'
}

export const COMPATIBILITY: Readonly<Record<'none' | 'identityserver4', Compatibility>> = {
  none: {
    invalidClientStatus: 401,
    describesErrors: true,
    missingGrantType: 'invalid_request',
    needsScope: false,
    emitsSubject: true,
    scopeAs: 'string',
    emitsNotBefore: false,
    cacheControl: 'no-store',
    signingAlgorithm: 'ES256',
    defaultAudience: 'issuer',
    notPost: 'invalid_request',
    notForm: 'invalid_request',
    unprovenCaller: 'invalid_client',
    missingToken: 'invalid_request',
    refusesUnknownHint: false,
  },
  identityserver4: {
    invalidClientStatus: 400,
    describesErrors: false,
    missingGrantType: 'unsupported_grant_type',
    needsScope: true,
    emitsSubject: false,
    scopeAs: 'array',
    emitsNotBefore: true,
    cacheControl: 'no-store, no-cache, max-age=0',
    signingAlgorithm: 'RS256',
    defaultAudience: 'none',
    notPost: 'method_not_allowed',
    notForm: 'unsupported_media_type',
    unprovenCaller: 'unauthorized',
    missingToken: 'missing_token',
    refusesUnknownHint: true,
  },
}
