/** What IdentityServer calls a secret type in C#, where that is not the stored string. */
const SECRET_TYPES: Readonly<Record<string, string>> = {
  X509CertificateThumbprint: 'X509Thumbprint',
  X509CertificateName: 'X509Name',
  JsonWebKey: 'JWK',
}

/** Properties of IdentityServer's clients that have no meaning for machine callers here; accepted and left aside. */
const IGNORED = new Set(
  `protocolType description clientUri logoUri requireConsent allowRememberConsent requirePkce
  allowPlainTextPkce requireRequestObject allowAccessTokensViaBrowser redirectUris
  postLogoutRedirectUris frontChannelLogoutUri frontChannelLogoutSessionRequired
  backChannelLogoutUri backChannelLogoutSessionRequired allowOfflineAccess
  alwaysIncludeUserClaimsInIdToken identityTokenLifetime
  allowedIdentityTokenSigningAlgorithms authorizationCodeLifetime absoluteRefreshTokenLifetime
  slidingRefreshTokenLifetime consentLifetime refreshTokenUsage updateAccessTokenClaimsOnRefresh
  refreshTokenExpiration enableLocalLogin identityProviderRestrictions includeJwtId
  alwaysSendClientClaims pairWiseSubjectSalt userSsoLifetime userCodeType deviceCodeLifetime
  allowedCorsOrigins properties requireDPoP coordinateLifetimeWithUserSession
  initiateLoginUri created updated lastAccessed nonEditable id`.split(/\s+/),
)

/** The secret type behind any of its spellings, `IdentityServerConstants.SecretTypes.…` included. */
export function secretType(written: string): string {
  const last = written.slice(written.lastIndexOf('.') + 1)
  return SECRET_TYPES[last] ?? last
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
    return [camel !== key && camel in value ? key : camel, camelCased(inner)]
  })
  return Object.fromEntries(entries)
}

/** Whether a client's property is one of IdentityServer's that do not concern machine callers. */
export function isIgnored(property: string): boolean {
  return IGNORED.has(property)
}
