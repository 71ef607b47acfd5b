/** The paths of our own endpoints, IdentityServer's by default, and their URLs. */
export interface Endpoints {
  readonly issuer: string
  readonly path: Readonly<Record<EndpointName, string>>
  readonly url: Readonly<Record<EndpointName, string>>
}

const PATHS = {
  token: '/connect/token',
  mtlsToken: '/connect/mtls/token',
  introspection: '/connect/introspect',
  mtlsIntrospection: '/connect/mtls/introspect',
  revocation: '/connect/revocation',
  mtlsRevocation: '/connect/mtls/revocation',
  verification: '/connect/verify',
  openidConfiguration: '/.well-known/openid-configuration',
  jwks: '/.well-known/openid-configuration/jwks',
} as const

export type EndpointName = keyof typeof PATHS | 'authorizationServer'

/**
 * @param given put before every path, save RFC 8414's, which puts the issuer's path behind itself;
 *   the issuer's path when there is none
 */
export function endpointsOf(issuer: string, given: string | undefined): Endpoints {
  const { origin, pathname } = new URL(issuer)
  const prefix = given ?? pathname.replace(/\/$/, '')
  const own = Object.entries(PATHS).map(([name, path]) => [name, prefix + path])
  const path = {
    ...Object.fromEntries(own),
    authorizationServer: `/.well-known/oauth-authorization-server${pathname.replace(/\/$/, '')}`,
  } as Record<EndpointName, string>
  const url = Object.fromEntries(
    Object.entries(path).map(([name, value]) => [name, origin + value]),
  ) as Record<EndpointName, string>
  return { issuer, path, url }
}
