import type { Principal, Refusal } from '#contract'

import { UnavailableError } from '../../errors.ts'
import type { Snapshot } from '../../snapshot.ts'
import { authorize } from '../authorize.ts'
import { callerOf } from '../caller-of.ts'
import type { Caller } from '../caller-of.ts'
import { decide } from '../decide.ts'
import type { Question } from '../decide.ts'

/** What was asked when a connection was opened, and who did. */
export interface Opened {
  readonly question: Question
  /** Absent: the route was public. */
  readonly principal: Principal | undefined
}

/** What proves these can be looked at again and again, at little cost. */
const ASKED_AGAIN = new Set(['bearer', 'tls_client_auth', 'self_signed_tls_client_auth'])

/**
 * Whether a connection that is open would be opened now. A proof that counts once only, and a
 * secret, which may cost a lot to check, are not looked at again; who they proved is.
 * @returns why not, or undefined; `retryable`: nobody can say
 */
export async function stillAllowed(
  { question, principal }: Opened,
  snapshot: Snapshot,
  now: Date,
): Promise<Refusal | undefined> {
  if (!principal) return publicRoute(question, snapshot)
  // When it may outlive its token there is nothing to be asked of that any more.
  if (principal.expiresAt && principal.expiresAt <= now) return disabled(principal, snapshot)
  if (ASKED_AGAIN.has(principal.method)) {
    const decision = await decide(question, snapshot)
    if (decision.ok) return undefined
    const { rendered, refusal } = decision
    return rendered.status === 503 ? { ...refusal, retryable: true } : refusal
  }
  try {
    const token = /^dpop +(.*)$/i.exec(question.request.headers.authorization ?? '')?.[1]
    const caller =
      principal.method === 'dpop' && token !== undefined
        ? await callerByToken(token, snapshot, now)
        : registered(principal, snapshot)
    return caller.ok ? byRoute(principal, caller.scopes, question, snapshot) : caller
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error
    return { reason: error.reason, got: error.message, retryable: true }
  }
}

/** Of a caller that has proven nothing: the API takes it for nobody. */
function publicRoute({ method, target }: Question, { routes }: Snapshot): Refusal | undefined {
  const match = target.ok ? routes.match(method, target.path) : undefined
  const isPublic = match?.kind === 'rule' && match.rule.public === true
  return isPublic ? undefined : { reason: 'route-not-public' }
}

async function callerByToken(token: string, snapshot: Snapshot, now: Date): Promise<Caller> {
  const found = await snapshot.introspect(token, now)
  if (!found.active) return { ok: false, ...found.refusal }
  const { authentication, settings, issuerPolicies } = snapshot
  const { registry } = authentication
  return callerOf(found, { registry, audience: settings.tokens.audience, issuers: issuerPolicies })
}

function registered({ clientId }: Principal, { authentication }: Snapshot): Caller {
  const client = authentication.registry.find(clientId)
  return client?.enabled
    ? { ok: true, clientId, scopes: client.allowedScopes }
    : { ok: false, reason: 'client-disabled', got: clientId }
}

function disabled({ clientId }: Principal, { authentication }: Snapshot): Refusal | undefined {
  // One of another issuer may be nobody here.
  const isDisabled = authentication.registry.find(clientId)?.enabled === false
  return isDisabled ? { reason: 'client-disabled', got: clientId } : undefined
}

function byRoute(
  principal: Principal,
  scopes: readonly string[],
  { method, target }: Question,
  { routes }: Snapshot,
): Refusal | undefined {
  const match = target.ok ? routes.match(method, target.path) : undefined
  if (match?.kind === 'method') return { reason: 'route-method', got: method }
  return match?.kind === 'rule' ? authorize({ ...principal, scopes }, match.rule.scopes) : undefined
}
