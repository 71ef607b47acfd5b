import { connectionPeer } from '../client-authentication/auth-request-of.ts'
import { finishConnection } from '../http/finished-connections.ts'
import { answer } from './answer.ts'
import { decide, problem } from './decide.ts'
import type { Decision, Refused } from './decide.ts'
import { forwardedHeaders } from './forwarded-headers.ts'
import { setIdentityHeaders } from './identity-headers.ts'
import { originalRequest } from './original-request.ts'
import type { Dialect, OriginalRequest } from './original-request.ts'
import { failClosed, refuse } from './refuse.ts'
import type { Exchanged, GatewayServices } from './refuse.ts'
import { renderProblem } from './render-refusal.ts'
import { readRequestTarget } from './request-target.ts'
import type { TrustedProxies } from './trusted-proxies.ts'
import { originOf } from './upstreams/origin-of.ts'

/** Whose questions are answered, and how they are put. */
export interface Verification {
  readonly proxies: TrustedProxies
  readonly dialect: Dialect
}

/** A question of another proxy: may this request pass, and who sends it? */
export type VerifyCall = Exchanged

type Asked = OriginalRequest & { readonly ok: true }

/** Whether a path is that of the endpoint; what stands behind it may be what is asked about. */
export function isVerification(path: string, endpoint: string): boolean {
  return (
    path.startsWith(endpoint) && (path.length === endpoint.length || path[endpoint.length] === '/')
  )
}

/**
 * Answers another proxy as the gateway would decide: 200 with the identity headers, 401 or 403.
 * Nothing is forwarded, a body is not read, and the proxy's own certificate proves nothing.
 */
export function verify(call: VerifyCall, services: GatewayServices): void {
  failClosed(call, services, () => {
    const asked = readQuestion(call)
    if (!asked.ok) return refuse(call, services, problem(403, asked))
    const { request, snapshot } = call
    const { method, url } = asked
    const question = { request, method, target: readRequestTarget(url), relayed: true }
    const decision = decide(question, snapshot)
    if (!(decision instanceof Promise)) return tell(decision, asked, call, services)
    return decision.then((made) => tell(made, asked, call, services))
  })
}

function readQuestion({ request, response, snapshot }: VerifyCall): OriginalRequest {
  const { verification, endpoints, headerRules } = snapshot
  if (!verification) {
    return { ok: false, reason: 'verify-off', hint: 'no proxies are named in verify' }
  }
  const { socket, rawHeaders, httpVersion } = request
  if (!verification.proxies.has(socket.remoteAddress, connectionPeer(socket))) {
    const got = socket.remoteAddress ?? 'no address'
    return { ok: false, reason: 'verify-proxy-unknown', got, hint: 'see verify.proxies' }
  }
  const { remoteAddress } = socket
  const arrival = { remoteAddress, scheme: 'https', httpVersion } as const
  const head = forwardedHeaders(rawHeaders, headerRules, arrival)
  if (!head.ok) {
    // What follows on the connection need not be what the proxy thinks it is.
    response.shouldKeepAlive = false
    finishConnection(request)
    return head
  }
  return originalRequest(request, verification.dialect, endpoints.path.verification)
}

function tell(decision: Decision, asked: Asked, call: VerifyCall, services: GatewayServices): void {
  const { request, response, requestId, snapshot } = call
  const { method, url } = asked
  const path = url.split('?', 1)[0] ?? ''
  if (!decision.ok) return refuse(call, services, asSeenByProxies(decision), { method, path })
  const { principal } = decision
  const lines: string[] = []
  if (principal) {
    const { identityParts, headerRules, settings } = snapshot
    const forwarded = {
      method,
      path,
      requestId,
      upstream: originOf(settings, decision.rule.upstream),
    }
    const told = setIdentityHeaders(lines, principal, forwarded, identityParts, headerRules.owned)
    if (!told.ok) {
      const refused = { ...problem(500, told), clientId: principal.clientId }
      return refuse(call, services, refused, { method, path })
    }
  }
  lines.push('x-request-id', requestId)
  services.metrics.verified()
  answer(request, response, 200, lines, '')
}

/** To nginx any answer but 2xx, 401 and 403 is a fault of ours. Challenges stay (RFC 6750 §3.1). */
const SHOWN = new Set([401, 403, 500, 503])

function asSeenByProxies(refused: Refused): Refused {
  return SHOWN.has(refused.rendered.status) ? refused : { ...refused, rendered: renderProblem(403) }
}
