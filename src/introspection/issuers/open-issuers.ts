import type { IssuerSettings } from '../../config/issuers-schema.ts'
import { IssuerUnavailableError } from '../../errors.ts'
import { cacheIdentity } from '../introspection-cache.ts'
import type { Introspect } from '../introspection.ts'
import { circuitBreaker } from './circuit-breaker.ts'
import { heldValue } from './held-value.ts'
import { introspectJwt } from './introspect-jwt.ts'
import { introspectRemotely } from './introspect-remotely.ts'
import { issuerMetadata } from './issuer-metadata.ts'
import { issuerPolicy } from './issuer-policy.ts'
import type { IssuerPolicy } from './issuer-policy.ts'
import { outgoing } from './outgoing.ts'
import type { Outgoing } from './outgoing.ts'
import { proveOurselves } from './prove-ourselves.ts'
import { readJwks } from './read-jwks.ts'

/** Another issuer, and how to find out about its tokens. */
export interface OpenIssuer {
  readonly issuer: string
  /** It is also asked about tokens that do not say whose they are. */
  readonly opaqueTokens: boolean
  readonly introspect: Introspect
  /** Why its tokens cannot be checked anew right now. */
  failure(): string | undefined
  close(): Promise<void>
}

/** All other issuers; replaced whole when their settings change. */
export interface Issuers {
  readonly all: readonly OpenIssuer[]
  readonly policies: ReadonlyMap<string, IssuerPolicy>
  /** Names what the answers about their tokens depend on, our credentials included. */
  readonly identity: string
  close(): Promise<void>
}

export interface IssuerServices {
  /** Milliseconds of a clock that only goes forward. */
  readonly clock: () => number
  /** Told of every call to an issuer. */
  readonly onCall: (
    issuer: string,
    what: 'introspection' | 'jwks' | 'discovery',
    ok: boolean,
  ) => void
  /** Told when an issuer is given up, and when it is there again. */
  readonly onChange: (issuer: string, isThere: boolean, why: string) => void
}

/**
 * @param before those open now: they stay when nothing has changed
 * @throws when a key or certificate cannot be used; `checkIssuers` says so before
 */
export function openIssuers(
  settings: readonly IssuerSettings[],
  services: IssuerServices,
  before?: Issuers,
): Issuers {
  const identity = cacheIdentity({ settings })
  if (before?.identity === identity) return before
  const all = settings.map((one) => openIssuer(one, services))
  return {
    all,
    policies: new Map(settings.map((one) => [one.issuer, issuerPolicy(one)])),
    identity,
    async close() {
      await Promise.all(all.map((one) => one.close()))
    },
  }
}

function openIssuer(settings: IssuerSettings, services: IssuerServices): OpenIssuer {
  const { issuer, hosts, insecure, timeout, ca, introspection } = settings
  const { clock } = services
  const ours = introspection?.method === 'tls_client_auth' ? introspection : undefined
  const http = outgoing({ timeout, ca, certificate: ours?.certificate, key: ours?.key })
  const counted = (what: Parameters<IssuerServices['onCall']>[1]): Outgoing => ({
    ...http,
    async ask(call) {
      try {
        const answer = await http.ask(call)
        services.onCall(issuer, what, true)
        return answer
      } catch (error) {
        services.onCall(issuer, what, false)
        throw error
      }
    },
  })
  const metadata = issuerMetadata({
    issuer,
    hosts,
    insecure,
    outgoing: counted('discovery'),
    clock,
  })
  const discovered = async (name: 'jwksUri' | 'introspectionEndpoint') => {
    const found = await metadata.get()
    const url = (ours && found.mtlsIntrospectionEndpoint) ?? found[name]
    if (!url) throw new IssuerUnavailableError(`the discovery document of ${issuer} has no ${name}`)
    return url
  }
  const how = introspection
    ? byIntrospection(settings, introspection, {
        endpoint: endpointOf(introspection.url, () => discovered('introspectionEndpoint')),
        outgoing: counted('introspection'),
        services,
      })
    : byKeys(settings, {
        endpoint: endpointOf(settings.jwks?.url, () => discovered('jwksUri')),
        outgoing: counted('jwks'),
        services,
      })
  return {
    issuer,
    opaqueTokens: introspection?.opaqueTokens ?? false,
    ...how,
    close: http.close,
  }
}

function endpointOf(url: string | undefined, otherwise: () => Promise<URL>): () => Promise<URL> {
  return url === undefined ? otherwise : async () => new URL(url)
}

interface Way {
  readonly endpoint: () => Promise<URL>
  readonly outgoing: Outgoing
  readonly services: IssuerServices
}

function byIntrospection(
  settings: IssuerSettings,
  credentials: NonNullable<IssuerSettings['introspection']>,
  { endpoint, outgoing: http, services }: Way,
): Pick<OpenIssuer, 'introspect' | 'failure'> {
  const { issuer } = settings
  let failure: string | undefined
  const breaker = circuitBreaker({
    failures: 5,
    counts: isTheirs,
    delay: 500,
    maxDelay: 5000,
    clock: services.clock,
    onChange(open, why) {
      failure = open ? why : undefined
      services.onChange(issuer, !open, why)
    },
  })
  const prove = proveOurselves(issuer, credentials)
  const ask = introspectRemotely(settings, { endpoint, outgoing: http, prove })
  return {
    introspect: (token, now) => breaker.run(() => ask(token, now)),
    failure: () => failure,
  }
}

/**
 * Whether a failure is the issuer's own. To what a token makes it say, a caller could bring it at will, and by that keep
 * everybody else out.
 */
function isTheirs(error: unknown): boolean {
  const { status = 500 } = error instanceof IssuerUnavailableError ? error : {}
  return status < 400 || status >= 500 || status === 429
}

const JWKS_LIMIT = 256 * 1024

function byKeys(
  settings: IssuerSettings,
  { endpoint, outgoing: http, services }: Way,
): Pick<OpenIssuer, 'introspect' | 'failure'> {
  const { jwks } = settings
  const { maxAge = 0, maxStale = 0, minInterval = 0 } = jwks ?? {}
  const keys = heldValue({
    maxAge,
    maxStale,
    clock: services.clock,
    async load() {
      const url = await endpoint()
      const { status, body } = await http.ask({ url, limit: JWKS_LIMIT })
      const read = status === 200 ? readJwks(body) : undefined
      if (!read) throw new IssuerUnavailableError(`${url.host}: no JWK set`)
      return read
    },
  })
  return {
    introspect: introspectJwt({ ...settings, minInterval }, keys),
    failure: () => keys.failure,
  }
}
