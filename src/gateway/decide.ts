import { METHODS } from 'node:http'

import type { Principal, Refusal } from '#contract'

import { authRequestOf } from '../client-authentication/auth-request-of.ts'
import type { Unauthenticated } from '../client-authentication/authentication.ts'
import type { OAuthErrorCode } from '../errors.ts'
import type { ClientRequest } from '../http/client-message.ts'
import type { RefusedRequest } from '../operations/refusal-line.ts'
import type { Snapshot } from '../snapshot.ts'
import { authorize } from './authorize.ts'
import { callerAddress } from './caller-address.ts'
import { identify } from './identify.ts'
import type { Identification } from './identify.ts'
import { renderProblem, renderRefusal } from './render-refusal.ts'
import type { RenderedRefusal } from './render-refusal.ts'
import type { RequestTarget } from './request-target.ts'
import type { RouteRule } from './routes.ts'

/** May this be done, and who asks? */
export interface Question {
  /** Where the proof is: headers and connection. */
  readonly request: ClientRequest
  readonly method: string
  readonly target: RequestTarget
  /** The connection is a proxy's, who asks for somebody else: its certificate is not the caller's. */
  readonly relayed?: boolean
}

/** `principal` is absent where the route is public. */
export type Decision =
  | {
      readonly ok: true
      readonly rule: RouteRule
      /** The path without the query, as it was asked for. */
      readonly path: string
      readonly principal: Principal | undefined
    }
  | Refused

/** A refusal: what the caller is told, and what the operator is. */
export interface Refused {
  readonly ok: false
  readonly rendered: RenderedRefusal
  readonly error: RefusedRequest['error']
  readonly refusal: Refusal
  /** The proven client. */
  readonly clientId?: string
  readonly authentication?: Unauthenticated
}

const EMPTY_FORM: ReadonlyMap<string, string> = new Map()
const OPEN: RouteRule = { path: '' }

/**
 * What HTTP/1.1 lets in, lest HTTP/2 let in `get` and `trace`. TRACE would show the client what we tell the upstream.
 */
const SERVED: ReadonlySet<string> = new Set(
  METHODS.filter((method) => method !== 'TRACE' && method !== 'CONNECT'),
)

/**
 * Request → route → caller → yes or no. Nothing is sent to anybody. The decision comes at once when
 * the caller is known already or need not be.
 */
export function decide(question: Question, snapshot: Snapshot): Decision | Promise<Decision> {
  const { method, target } = question
  if (!target.ok) return problem(target.reason === 'path-too-long' ? 414 : 400, target)
  if (!SERVED.has(method)) {
    return problem(501, { reason: 'method-refused', got: method })
  }
  const { path } = target
  const match = snapshot.routes.match(method, path)
  if (match.kind === 'method') {
    const allow = match.allow.join(', ')
    const refusal = { reason: 'route-method', got: method, want: allow }
    return problem(405, refusal, ['allow', allow])
  }
  const rule = match.kind === 'rule' ? match.rule : OPEN
  if (rule.public === true) return { ok: true, rule, path, principal: undefined }

  const identification = identifyCaller(question, path, rule, snapshot)
  return identification instanceof Promise
    ? identification.then((outcome) => admit(outcome, rule, path, snapshot))
    : admit(identification, rule, path, snapshot)
}

function identifyCaller(
  { request, method, relayed }: Question,
  path: string,
  rule: RouteRule,
  snapshot: Snapshot,
): Identification | Promise<Identification> {
  const address = callerAddress(request, snapshot.headerRules)
  const facts = { purpose: 'api', method, path, form: EMPTY_FORM, callerAddress: address } as const
  const reading = authRequestOf(request, facts, snapshot.proxyReaders, relayed)
  if (!reading.ok) return reading
  return identify(
    reading.request,
    {
      authentication: snapshot.authentication,
      introspect: snapshot.introspect,
      dpop: snapshot.dpop,
      audience: snapshot.settings.tokens.audience,
      issuers: snapshot.issuerPolicies,
      forwardsAuthorization: forwardsAuthorization(snapshot, rule),
    },
    new Date(),
  )
}

function admit(
  identification: Identification,
  rule: RouteRule,
  path: string,
  { challenges, dpop }: Snapshot,
): Decision {
  if (!identification.ok) {
    const { code: error, refusal, dpop: challenge } = identification
    const rendered = renderRefusal(error, challenges, rule.scopes, challenge)
    return { ok: false, rendered, error, refusal, authentication: identification }
  }
  const { principal } = identification
  const refusal = authorize(principal, rule.scopes)
  if (!refusal) return { ok: true, rule, path, principal }
  const error: OAuthErrorCode = 'insufficient_scope'
  const { algorithms } = dpop
  const spoken = principal.method === 'dpop' ? { algorithms } : undefined
  const rendered = renderRefusal(error, challenges, rule.scopes, spoken)
  return { ok: false, rendered, error, refusal, clientId: principal.clientId }
}

/** A refusal that is not about the caller's proof. */
export function problem(
  status: number,
  refusal: Refusal,
  headers: readonly string[] = [],
): Refused {
  return { ok: false, rendered: renderProblem(status, headers), error: 'bad_request', refusal }
}

/** Whether the upstream may see the `Authorization` header. */
export function forwardsAuthorization(snapshot: Snapshot, rule: RouteRule): boolean {
  return rule.forwardAuthorization ?? snapshot.settings.identity.forwardAuthorization
}
