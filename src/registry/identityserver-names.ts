/** What IdentityServer calls a secret type in C#, where that is not the stored string. */
const SECRET_TYPES = new Map([
  ['X509CertificateThumbprint', 'X509Thumbprint'],
  ['X509CertificateName', 'X509Name'],
  ['JsonWebKey', 'JWK'],
])

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/))

/** Properties of IdentityServer's clients that have no meaning for machine callers here; accepted and left aside. */
const OF_CLIENTS = words(
  `protocolType description clientUri logoUri requireConsent allowRememberConsent requirePkce
  allowPlainTextPkce requireRequestObject allowAccessTokensViaBrowser redirectUris
  postLogoutRedirectUris frontChannelLogoutUri frontChannelLogoutSessionRequired
  backChannelLogoutUri backChannelLogoutSessionRequired allowOfflineAccess
  alwaysIncludeUserClaimsInIdToken identityTokenLifetime
  allowedIdentityTokenSigningAlgorithms authorizationCodeLifetime absoluteRefreshTokenLifetime
  slidingRefreshTokenLifetime consentLifetime refreshTokenUsage updateAccessTokenClaimsOnRefresh
  refreshTokenExpiration enableLocalLogin identityProviderRestrictions includeJwtId
  alwaysSendClientClaims pairWiseSubjectSalt userSsoLifetime userCodeType deviceCodeLifetime
  allowedCorsOrigins properties dPoPClockSkew dPoPValidationMode coordinateLifetimeWithUserSession
  requirePushedAuthorization pushedAuthorizationLifetime cibaLifetime pollingInterval
  initiateLoginUri created updated lastAccessed nonEditable id`,
)

/** The same of its API resources. */
const OF_RESOURCES = words(
  `displayName description userClaims properties showInDiscoveryDocument
  allowedAccessTokenSigningAlgorithms requireResourceIndicator
  created updated lastAccessed nonEditable id`,
)

/** The secret type behind any of its spellings, `IdentityServerConstants.SecretTypes.…` included. */
export function secretType(written: string): string {
  const last = written.slice(written.lastIndexOf('.') + 1)
  return SECRET_TYPES.get(last) ?? last
}

/**
 * A definition with its property names in camel case, IdentityServer's others taken out.
 * Two spellings of one property in one definition are kept apart, so that the schema refuses them.
 */
export function camelCased(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelCased)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => {
    const camel = key.charAt(0).toLowerCase() + key.slice(1)
    return [camel !== key && Object.hasOwn(value, camel) ? key : camel, camelCased(inner)]
  })
  return Object.fromEntries(entries)
}

/** A definition in camel case without what of IdentityServer says nothing to machine callers. */
export function withoutForeign(kind: 'client' | 'resource', value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const foreign = kind === 'client' ? OF_CLIENTS : OF_RESOURCES
  return Object.fromEntries(Object.entries(value).filter(([key]) => !foreign.has(key)))
}
