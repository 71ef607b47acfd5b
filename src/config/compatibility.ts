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
  },
}
