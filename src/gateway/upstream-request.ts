import { connectionOf, headLines } from '../http/client-message.ts'
import type { ClientRequest } from '../http/client-message.ts'
import type { Snapshot } from '../snapshot.ts'
import { forwardsAuthorization, problem } from './decide.ts'
import type { Decision, Refused } from './decide.ts'
import { forwardedHeaders } from './forwarded-headers.ts'
import type { ForwardedHeaders } from './forwarded-headers.ts'
import { setIdentityHeaders } from './identity-headers.ts'
import type { OwnedNames } from './owned-names.ts'
import type { Exchanged } from './refuse.ts'
import { rewriteHeaders, rewritePath } from './rewrite/rewrite.ts'

/** What the upstream is sent of a request that may pass. */
export type UpstreamRequest =
  | {
      readonly ok: true
      /** Path and query. */
      readonly target: string
      /** Header lines, name and value in turn, with all that we say. */
      readonly headers: string[]
    }
  | Refused

/** The client's header lines as an upstream may have them, before anything is said of the caller. */
export function receivedHeaders(
  request: ClientRequest,
  { headerRules }: Snapshot,
): ForwardedHeaders {
  return forwardedHeaders(headLines(request), headerRules, {
    remoteAddress: connectionOf(request).remoteAddress,
    scheme: 'https',
    httpVersion: request.httpVersion,
  })
}

/**
 * Puts together what the upstream is sent: rewritten as the rule says, after the decision, and with the caller told.
 * @param lines from `receivedHeaders`; they are used up
 * @param query with its `?`; it is never rewritten
 * @param upstream its origin
 */
export function upstreamRequest(
  { request, requestId, snapshot }: Exchanged,
  { rule, path, principal }: Decision & { readonly ok: true },
  lines: string[],
  query: string,
  upstream: string,
): UpstreamRequest {
  const { headerRules, identityParts } = snapshot
  const { rewrite } = rule
  const method = request.method ?? ''
  const sent = rewrite ? rewritePath(path, rewrite) : path
  if (forwardsAuthorization(snapshot, rule)) {
    lines.push(...authorizationOf(request, headerRules.owned))
  }
  const headers = rewrite ? rewriteHeaders(lines, rewrite, upstream) : lines
  if (principal) {
    const forwarded = { method, path: sent, requestId, upstream }
    const told = setIdentityHeaders(headers, principal, forwarded, identityParts, headerRules.owned)
    if (!told.ok) return { ...problem(500, told), clientId: principal.clientId }
  }
  headers.push('x-request-id', requestId)
  return { ok: true, target: sent + query, headers }
}

/** What is meant for us unless a route says otherwise, and is ours to say when an identity header has that name. */
function authorizationOf({ headers }: ClientRequest, owned: OwnedNames): readonly string[] {
  return ['authorization', 'dpop'].flatMap((name) => {
    const value = headers[name]
    return typeof value === 'string' && !owned.has(name) ? [name, value] : []
  })
}
