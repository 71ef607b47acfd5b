import { decide, problem } from './decide.ts'
import type { Decision, Refused } from './decide.ts'
import type { ForwardedHeaders } from './forwarded-headers.ts'
import { failClosed, refuse, report } from './refuse.ts'
import type { Exchanged, GatewayServices } from './refuse.ts'
import { TOO_LARGE } from './request-body.ts'
import type { RequestTarget } from './request-target.ts'
import { receivedHeaders, upstreamRequest } from './upstream-request.ts'
import type { Upstreams } from './upstreams/open-upstreams.ts'

/** One request for the API, and what it is judged by. */
export interface ApiRequest extends Exchanged {
  readonly target: RequestTarget
  readonly upstreams: Upstreams
}

type SoundHeaders = Extract<ForwardedHeaders, { readonly ok: true }>

/** Request → decision → what the upstream is sent → upstream. Koa is not in this path: it would cost as much as the rest. */
export function gateway(api: ApiRequest, services: GatewayServices): void {
  const { request, target, snapshot } = api
  const question = { request, method: request.method ?? '', target }
  failClosed(api, services, () => {
    // First, and at once: of a malformed request nothing is believed, and nothing that Node has read behind it.
    const headers = receivedHeaders(request, snapshot)
    if (!headers.ok) return refuse(api, services, problem(headers.status, headers))
    const decision = decide(question, snapshot)
    if (!(decision instanceof Promise)) return follow(decision, headers, api, services)
    return decision.then((made) => follow(made, headers, api, services))
  })
}

function follow(
  decision: Decision,
  { headers, body }: SoundHeaders,
  api: ApiRequest,
  services: GatewayServices,
): void {
  if (!decision.ok) return refuse(api, services, decision)
  const { request, response, requestId, target, snapshot, upstreams } = api
  if (!target.ok || response.destroyed) return
  const { rule, path, principal } = decision
  const clientId = principal?.clientId
  const maxBody = rule.maxBody ?? snapshot.settings.limits.maxBody
  if (body > maxBody && body !== Infinity) {
    return refuse(api, services, tooLarge(maxBody, clientId, `${body} bytes`))
  }
  const upstream = upstreams.of(rule.upstream)
  const made = upstreamRequest(api, decision, headers, target.query, upstream.origin)
  if (!made.ok) return refuse(api, services, made)
  const method = request.method ?? ''
  upstream.forward(request, response, {
    method,
    target: made.target,
    headers: made.headers,
    body,
    principal,
    maxBody,
    responseHeaders: ['x-request-id', requestId],
    headerRules: snapshot.headerRules,
    onDone(outcome) {
      if (outcome.status !== undefined) services.metrics.proxied(outcome.status)
      if (outcome.ok) return
      const { ok: _, ...details } = outcome
      if (details.reason === TOO_LARGE.reason) {
        report(api, services, tooLarge(maxBody, clientId))
        return
      }
      services.log.warn(
        { requestId, method, path, client: clientId, ...details },
        'upstream.failed',
      )
    },
  })
}

function tooLarge(maxBody: number, clientId: string | undefined, got = 'more'): Refused {
  const { status, reason } = TOO_LARGE
  const want = `up to ${maxBody} bytes`
  const hint = 'see maxBody of the route, and limits.maxBody'
  const refused = problem(status, { reason, got, want, hint })
  return clientId === undefined ? refused : { ...refused, clientId }
}
