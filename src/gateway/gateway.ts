import type { IncomingMessage } from 'node:http'

import type { Snapshot } from '../snapshot.ts'
import { decide, forwardsAuthorization, problem } from './decide.ts'
import type { Decision } from './decide.ts'
import { forwardedHeaders } from './forwarded-headers.ts'
import type { ForwardedHeaders } from './forwarded-headers.ts'
import { setIdentityHeaders } from './identity-headers.ts'
import type { OwnedNames } from './owned-names.ts'
import { failClosed, refuse } from './refuse.ts'
import type { Exchanged, GatewayServices } from './refuse.ts'
import type { RequestTarget } from './request-target.ts'
import type { Upstreams } from './upstreams/open-upstreams.ts'

/** One request for the API, and what it is judged by. */
export interface ApiRequest extends Exchanged {
  readonly target: RequestTarget
  readonly snapshot: Snapshot
  readonly upstreams: Upstreams
}

type SoundHeaders = Extract<ForwardedHeaders, { readonly ok: true }>

/** Request → decision → identity headers → upstream. Koa is not in this path: it would cost as much as the rest. */
export function gateway(api: ApiRequest, services: GatewayServices): void {
  const { request, target, snapshot } = api
  const question = { request, method: request.method ?? '', target }
  failClosed(api, services, () => {
    // First, and at once: of a malformed request nothing is believed, and nothing that Node has read behind it.
    const headers = forwardedHeaders(request.rawHeaders, snapshot.headerRules, {
      remoteAddress: request.socket.remoteAddress,
      scheme: 'https',
      httpVersion: request.httpVersion,
    })
    if (!headers.ok) return refuse(api, services, problem(headers.status, headers))
    const decision = decide(question, snapshot)
    if (!(decision instanceof Promise)) return follow(decision, headers, api, services)
    return decision.then((made) => follow(made, headers, api, services))
  })
}

function follow(
  decision: Decision,
  headers: SoundHeaders,
  api: ApiRequest,
  services: GatewayServices,
): void {
  if (!decision.ok) return refuse(api, services, decision)
  const { request, response, requestId, target, snapshot, upstreams } = api
  if (!target.ok || response.destroyed) return
  const { rule, path, principal } = decision
  const method = request.method ?? ''
  const clientId = principal?.clientId
  if (forwardsAuthorization(snapshot, rule)) {
    headers.headers.push(...authorizationOf(request, snapshot.headerRules.owned))
  }
  if (principal) {
    const forwarded = { method, path, requestId, upstream: snapshot.settings.upstream }
    const { identityParts, headerRules } = snapshot
    const told = setIdentityHeaders(
      headers.headers,
      principal,
      forwarded,
      identityParts,
      headerRules.owned,
    )
    if (!told.ok) {
      return refuse(api, services, { ...problem(500, told), clientId: principal.clientId })
    }
  }
  headers.headers.push('x-request-id', requestId)
  upstreams.of(undefined).forward(request, response, {
    method,
    target: path + target.query,
    headers: headers.headers,
    body: headers.body,
    responseHeaders: ['x-request-id', requestId],
    onDone(outcome) {
      if (outcome.status !== undefined) services.metrics.proxied(outcome.status)
      if (outcome.ok) return
      const { ok: _, ...details } = outcome
      services.log.warn(
        { requestId, method, path, client: clientId, ...details },
        'upstream.failed',
      )
    },
  })
}

/** What is meant for us unless a route says otherwise, and is ours to say when an identity header has that name. */
function authorizationOf({ headers }: IncomingMessage, owned: OwnedNames): readonly string[] {
  return ['authorization', 'dpop'].flatMap((name) => {
    const value = headers[name]
    return typeof value === 'string' && !owned.has(name) ? [name, value] : []
  })
}
