import type { CertificateTrust, IdentityHeaders, StateStore } from '#contract'

import type { AuthenticationParts } from './client-authentication/authentication.ts'
import type { GuessBrake } from './client-authentication/guess-brake.ts'
import { replayGuard } from './client-authentication/replay-guard.ts'
import { COMPATIBILITY } from './config/compatibility.ts'
import type { Compatibility } from './config/compatibility.ts'
import type { Settings } from './config/settings-schema.ts'
import { openDpop } from './dpop/dpop.ts'
import type { Dpop } from './dpop/dpop.ts'
import type { IssuerPolicy } from './introspection/issuers/issuer-policy.ts'
import { headerRules } from './gateway/forwarded-headers.ts'
import type { HeaderRules } from './gateway/forwarded-headers.ts'
import { gatewayNames } from './gateway/gateway-names.ts'
import { routeRules } from './gateway/route-rules.ts'
import { compileRoutes } from './gateway/routes.ts'
import type { Routes } from './gateway/routes.ts'
import { trustedProxies } from './gateway/trusted-proxies.ts'
import type { Verification } from './gateway/verify.ts'
import { challengesOf } from './http/challenges.ts'
import { endpointsOf } from './http/endpoints.ts'
import type { EndpointName, Endpoints } from './http/endpoints.ts'
import { introspectOwnToken } from './introspection/introspect-own-token.ts'
import { introspectToken } from './introspection/introspect-token.ts'
import { cacheIdentity } from './introspection/introspection-cache.ts'
import type { IntrospectionCache, Lookup } from './introspection/introspection-cache.ts'
import type { Introspect } from './introspection/introspection.ts'
import type { Issuers } from './introspection/issuers/open-issuers.ts'
import { withoutClaims } from './introspection/own-token.ts'
import type { OwnToken } from './introspection/own-token.ts'
import type { IntrospectionCallers } from './introspection/prove-caller.ts'
import type { ReadyPlugin } from './plugin-host/set-up.ts'
import type { Prepared } from './prepare.ts'
import type { ApiResource } from './registry/load-resources.ts'
import { registryOf } from './registry/registry.ts'
import { resourceAsClient } from './registry/resource-as-client.ts'
import { discovery } from './tokens/discovery.ts'
import type { KeyRing } from './tokens/key-ring.ts'
import { inTime, tokenState } from './tokens/token-state.ts'
import type { TokenState } from './tokens/token-state.ts'

/** All that a request is judged by. Immutable: a request keeps the one it began with. */
export interface Snapshot {
  readonly settings: Settings
  readonly compatibility: Compatibility
  readonly endpoints: Endpoints
  readonly authentication: AuthenticationParts
  readonly introspectionCallers: IntrospectionCallers
  readonly revocationCallers: AuthenticationParts
  readonly resources: readonly ApiResource[]
  readonly keyRing: KeyRing
  readonly tokenState: TokenState
  readonly dpop: Dpop
  readonly discovery: Readonly<Record<string, unknown>>
  /** `aud` of a token whose scopes no resource owns. */
  readonly defaultAudience: readonly string[]
  /** `WWW-Authenticate` values of the parsers. */
  readonly challenges: readonly string[]
  readonly routes: Routes
  readonly headerRules: HeaderRules
  readonly identityHeaders: Prepared['identityHeaders']
  /** The parts of `identityHeaders`. */
  readonly identityParts: readonly IdentityHeaders[]
  /** The parsers that know proxies before us. */
  readonly proxyReaders: readonly ReadyPlugin<'parsers'>[]
  /** Absent: no other proxy may ask for a decision. */
  readonly verification: Verification | undefined
  readonly introspect: Lookup
  /** What tokens of other issuers count for, by issuer. */
  readonly issuerPolicies: ReadonlyMap<string, IssuerPolicy>
  /** Asks anew each time, for tokens of our own only. */
  readonly introspectOwn: Introspect<OwnToken>
}

/** Where somebody else counts wrong secrets. */
const uncounted = async () => true

/** What may outlive a reload. */
export interface Lasting {
  readonly store: StateStore
  readonly keyRing: KeyRing
  readonly cache: IntrospectionCache
  readonly issuers: Issuers
  readonly trust: CertificateTrust
  readonly brake: GuessBrake
}

/** Puts the prepared parts together with what outlives a reload. */
export function snapshotOf(prepared: Prepared, lasting: Lasting): Snapshot {
  const { store, keyRing, cache, issuers, trust, brake } = lasting
  const { settings, plugins, clients, resources } = prepared
  const parsers = plugins.of('parsers')
  const proxyReaders = parsers.filter(({ part }) => part.behindProxy !== undefined)
  const validators = plugins.of('validators')
  const ofType = Map.groupBy(
    validators.flatMap(({ part }) => part.secretTypes.map((type) => ({ type, part }))),
    ({ type }) => type,
  )
  const validatorsOf = (type: string) => ofType.get(type)?.map(({ part }) => part) ?? []
  const endpoints = endpointsOf(settings.issuer, settings.endpoints.prefix)
  const { issuer, url } = endpoints
  const compatibility = COMPATIBILITY[settings.compatibility]
  const audience = settings.tokens.audience
  const state = tokenState(store, settings.plugins.timeLimit)
  const dpop = openDpop(settings.dpop, issuer, store, settings.plugins.timeLimit)
  const introspectOwn = introspectOwnToken({
    issuer,
    // A key that is new to us is looked for in the store.
    keyRing: { find: (kid) => inTime(() => keyRing.find(kid), settings.plugins.timeLimit) },
    state,
  })
  const authentication: AuthenticationParts = {
    parsers,
    validators,
    registry: registryOf(clients, validatorsOf),
    audiences: [issuer, url.token, url.mtlsToken],
    trust,
    replayGuardOf: (clientId) => replayGuard(store, clientId),
    onWrongSecret: (guess) => brake.failed(guess, settings.guessing),
    timeLimit: settings.plugins.timeLimit,
  }
  const at = (...own: readonly EndpointName[]): AuthenticationParts => ({
    ...authentication,
    audiences: [...authentication.audiences, ...own.map((name) => url[name])],
  })
  const atIntrospection = at('introspection', 'mtlsIntrospection')
  return {
    settings,
    compatibility,
    endpoints,
    authentication,
    introspectionCallers: {
      client: { ...atIntrospection, onWrongSecret: uncounted },
      resource: {
        ...atIntrospection,
        onWrongSecret: uncounted,
        registry: registryOf(resources.map(resourceAsClient), validatorsOf),
        replayGuardOf: (name) => replayGuard(store, name, 'resource'),
      },
      onWrongSecret: authentication.onWrongSecret,
    },
    revocationCallers: at('revocation', 'mtlsRevocation'),
    resources,
    keyRing,
    tokenState: state,
    dpop,
    discovery: discovery({
      endpoints,
      parsers,
      validators,
      scopes: [...new Set(clients.flatMap((client) => client.allowedScopes))].toSorted(),
      clientCertificates: settings.listen.clientCertificates !== 'none' || proxyReaders.length > 0,
      signingAlgorithm: keyRing.current.algorithm,
      proofAlgorithms: dpop.algorithms,
    }),
    defaultAudience: audience ?? (compatibility.defaultAudience === 'issuer' ? [issuer] : []),
    challenges: challengesOf(parsers),
    routes: compileRoutes(routeRules(settings.routes), settings.paths),
    headerRules: headerRules(gatewayNames(plugins), settings.listen.maxHeaders, settings.forwarded),
    identityHeaders: prepared.identityHeaders,
    identityParts: prepared.identityHeaders.map(({ part }) => part),
    proxyReaders,
    verification: verificationOf(settings),
    introspect: cache.around(
      introspectToken(withoutClaims(introspectOwn), issuer, issuers.all),
      cacheIdentity({ issuer, keys: [...keyRing.keys.keys()], issuers: issuers.identity }),
    ),
    issuerPolicies: issuers.policies,
    introspectOwn,
  }
}

function verificationOf({ verify }: Settings): Verification | undefined {
  if (!verify) return undefined
  const { proxies: addresses, certificates, dialect } = verify
  return { proxies: trustedProxies({ addresses, certificates }), dialect }
}
