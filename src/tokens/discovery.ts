import type { Endpoints } from '../http/endpoints.ts'
import type { ReadyPlugin } from '../plugin-host/set-up.ts'
import type { SigningAlgorithm } from './signing-key.ts'

/** What the discovery documents say; true because it is read from what is loaded. */
export interface DiscoveryFacts {
  readonly endpoints: Endpoints
  readonly parsers: readonly ReadyPlugin<'parsers'>[]
  readonly validators: readonly ReadyPlugin<'validators'>[]
  readonly scopes: readonly string[]
  readonly clientCertificates: boolean
  /** Of what we sign now. */
  readonly signingAlgorithm: SigningAlgorithm
  /** Of DPoP proofs. */
  readonly proofAlgorithms: readonly string[]
}

/** The metadata of RFC 8414 and OpenID Connect Discovery; both documents are this one. */
export function discovery(facts: DiscoveryFacts): Readonly<Record<string, unknown>> {
  const { endpoints, parsers, validators, clientCertificates } = facts
  const accepted = new Set(validators.map(({ part }) => part.accepts))
  // A parser that offers nothing by itself serves validators that do.
  const named = new Set(validators.flatMap(({ part }) => (part.advertises ? part.accepts : [])))
  const usable = parsers.filter(
    ({ part: { produces, advertises } }) =>
      accepted.has(produces) &&
      (advertises?.length !== 0 || named.has(produces)) &&
      (clientCertificates || produces !== 'certificate'),
  )
  const produced = new Set(usable.map(({ part }) => part.produces))
  const checking = validators.filter(({ part }) => produced.has(part.accepts))
  const methods = new Set([
    ...usable.flatMap(({ part }) => part.advertises ?? [part.method]),
    ...checking.flatMap(({ part }) => part.advertises ?? []),
  ])
  const algorithms = new Set(checking.flatMap(({ part }) => part.signingAlgorithms ?? []))
  const { url } = endpoints
  return {
    issuer: endpoints.issuer,
    token_endpoint: url.token,
    introspection_endpoint: url.introspection,
    revocation_endpoint: url.revocation,
    jwks_uri: url.jwks,
    scopes_supported: facts.scopes,
    response_types_supported: [],
    grant_types_supported: ['client_credentials'],
    ...provingAt('token_endpoint', [...methods], [...algorithms]),
    ...provingAt('introspection_endpoint', [...methods], [...algorithms]),
    ...provingAt('revocation_endpoint', [...methods], [...algorithms]),
    introspection_signing_alg_values_supported: [facts.signingAlgorithm],
    dpop_signing_alg_values_supported: facts.proofAlgorithms,
    ...(produced.has('certificate') && {
      tls_client_certificate_bound_access_tokens: true,
      mtls_endpoint_aliases: {
        token_endpoint: url.mtlsToken,
        introspection_endpoint: url.mtlsIntrospection,
        revocation_endpoint: url.mtlsRevocation,
      },
    }),
  }
}

/** How a client or resource may prove itself at an endpoint: all of them take the same. */
function provingAt(endpoint: string, methods: readonly string[], algorithms: readonly string[]) {
  return {
    [`${endpoint}_auth_methods_supported`]: methods,
    ...(algorithms.length > 0 && {
      [`${endpoint}_auth_signing_alg_values_supported`]: algorithms,
    }),
  }
}
