import { hash } from 'node:crypto'

import type { ForwardedRequest, Principal, Signer } from '#contract'
import { LRUCache } from 'lru-cache'

export interface AssertionRules {
  readonly audience?: string | readonly string[] | undefined
  /** Seconds. */
  readonly lifetime: number
  /** Seconds that one assertion serves like requests; 0: each has its own. */
  readonly reuse: number
}

const TYPE = 'vouchgate-assertion+jwt'

/** A longer path is told by its hash, so that a header has room for it. */
const MAX_PATH = 1024
const KEPT = 5000

interface Kept {
  readonly assertion: string
  /** Milliseconds since 1970. */
  readonly until: number
}

/**
 * Makes assertions about callers: `sub` and `client_id`, `scope`, `auth_method`, `aud`, `iat`, `exp`, `jti` (the id
 * of the request), `htm` (the method) and `htp` (the path as it is forwarded, without the query), or `htp#S256` (its
 * SHA-256, base64url) when it has more than 1024 characters. It never outlives the proof that it stands for.
 * @param clock milliseconds since 1970
 */
export function assertions(
  { audience, lifetime, reuse }: AssertionRules,
  signer: Signer,
  clock: () => number,
): (principal: Principal, request: ForwardedRequest) => string {
  const kept = new LRUCache<string, Kept>({ max: KEPT })
  const sign = (principal: Principal, request: ForwardedRequest, now: number): string => {
    const { clientId, scopes, method, expiresAt } = principal
    const iat = Math.floor(now / 1000)
    const end = expiresAt === undefined ? Infinity : Math.ceil(expiresAt.getTime() / 1000)
    return signer.sign(TYPE, {
      sub: clientId,
      client_id: clientId,
      ...(scopes.length > 0 && { scope: scopes.join(' ') }),
      auth_method: method,
      aud: audience ?? request.upstream,
      iat,
      exp: Math.min(iat + lifetime, end),
      jti: request.requestId,
      htm: request.method,
      ...pathClaim(request.path),
    })
  }
  if (reuse === 0) return (principal, request) => sign(principal, request, clock())
  return (principal, request) => {
    const now = clock()
    const key = likeness(principal, request)
    const before = kept.get(key)
    if (before && now < before.until) return before.assertion
    const assertion = sign(principal, request, now)
    kept.set(key, { assertion, until: now + reuse * 1000 })
    return assertion
  }
}

function pathClaim(path: string): Readonly<Record<string, string>> {
  return path.length <= MAX_PATH ? { htp: path } : { 'htp#S256': hash('sha256', path, 'base64url') }
}

/** Requests that one assertion may serve have all of this in common. */
function likeness(
  { clientId, scopes, method, expiresAt }: Principal,
  { method: verb, path, upstream }: ForwardedRequest,
): string {
  return JSON.stringify([clientId, scopes, method, expiresAt?.getTime(), verb, path, upstream])
}
