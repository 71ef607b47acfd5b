import { IssuerUnavailableError } from '../../errors.ts'
import { heldValue } from './held-value.ts'
import type { HeldValue } from './held-value.ts'
import type { Outgoing } from './outgoing.ts'

export interface DiscoveryOptions {
  readonly issuer: string
  /** Hosts, with port, that it may name beside its own. */
  readonly hosts: readonly string[]
  /** Plain http will do, on this machine. */
  readonly insecure: boolean
  readonly outgoing: Outgoing
  readonly clock: () => number
}

/** What we need of an issuer's metadata (RFC 8414 §2, OpenID Connect Discovery §3). */
export interface IssuerMetadata {
  readonly jwksUri: URL | undefined
  readonly introspectionEndpoint: URL | undefined
  /** RFC 8705 §5. */
  readonly mtlsIntrospectionEndpoint: URL | undefined
}

const LIMIT = 256 * 1024
const TIMES = { maxAge: 3_600_000, maxStale: 86_400_000 }

/** Discovers an issuer, and keeps what it says. */
export function issuerMetadata(options: DiscoveryOptions): HeldValue<IssuerMetadata> {
  return heldValue({ load: () => discover(options), clock: options.clock, ...TIMES })
}

/** @throws IssuerUnavailableError, also for a document of another issuer or one that leads elsewhere */
async function discover(options: DiscoveryOptions): Promise<IssuerMetadata> {
  const { issuer, outgoing } = options
  for (const url of wellKnown(issuer)) {
    const { status, body: document } = await outgoing.ask({ url, limit: LIMIT })
    if (status !== 200) continue
    if (document['issuer'] !== issuer) {
      const got = String(document['issuer']).slice(0, 100)
      throw new IssuerUnavailableError(`${url.href} is of the issuer ${got}, not of ${issuer}`)
    }
    const aliases = document['mtls_endpoint_aliases'] as Record<string, unknown> | undefined
    return {
      jwksUri: endpoint(document['jwks_uri'], options),
      introspectionEndpoint: endpoint(document['introspection_endpoint'], options),
      mtlsIntrospectionEndpoint: endpoint(aliases?.['introspection_endpoint'], options),
    }
  }
  throw new IssuerUnavailableError(`${issuer} has no discovery document`)
}

/** OpenID Connect puts the name behind the issuer's path, RFC 8414 before it. */
function wellKnown(issuer: string): readonly URL[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [
    new URL(`${origin}${path}/.well-known/openid-configuration`),
    new URL(`${origin}/.well-known/oauth-authorization-server${path}`),
  ]
}

/** Whoever can write to the document must not be able to send us, and our credentials, anywhere. */
function endpoint(value: unknown, { issuer, hosts, insecure }: DiscoveryOptions): URL | undefined {
  if (typeof value !== 'string' || !URL.canParse(value)) return undefined
  const url = new URL(value)
  const own = new URL(issuer)
  const known = url.host === own.host || hosts.includes(url.host)
  const secure = url.protocol === 'https:' || (insecure && url.protocol === own.protocol)
  if (known && secure && url.username === '') return url
  throw new IssuerUnavailableError(`${issuer} names ${url.origin}, which is not in its hosts`)
}
