import type { Context } from 'koa'

import { OAuthError } from '../errors.ts'
import type { EndpointRequest } from '../http/endpoint-request.ts'
import { readEndpointForm } from '../http/read-endpoint-form.ts'
import { refusalDetails } from '../operations/refusal-line.ts'
import { INACTIVE, introspectionAnswer } from './introspection-answer.ts'
import type { Answer, Answering, Caller } from './introspection-answer.ts'
import { proveCaller } from './prove-caller.ts'
import type { ProvenCaller } from './prove-caller.ts'
import { SIGNED_TYPE, signIntrospection } from './sign-introspection.ts'

/** `POST /connect/introspect`: a proven API resource or client asks whether a token counts (RFC 7662). */
export async function introspectionRoute(
  context: Context,
  request: EndpointRequest,
): Promise<void> {
  const { snapshot, metrics, log, requestId } = request
  const { compatibility } = snapshot
  const { fields, authRequest } = await readEndpointForm(context, request, {
    purpose: 'introspection',
    notPost: compatibility.notPost,
    notForm: compatibility.notForm,
    repeatable: [],
  })
  const now = new Date()
  const proven = await proveCaller(authRequest, snapshot.introspectionCallers, now)
  const caller = callerOf(proven, request)
  const token = fields.get('token')
  if (token === undefined) {
    throw new OAuthError(compatibility.missingToken, { reason: 'token-missing' })
  }

  const outcome = await answerOf(token, caller, request, now)
  metrics.introspected(outcome.ok ? 'active' : 'inactive')
  const callerId = caller.kind === 'resource' ? caller.resource.name : caller.clientId
  if (!outcome.ok) {
    log.info(
      { requestId, callerKind: caller.kind, caller: callerId, ...refusalDetails(outcome) },
      'introspection.inactive',
    )
  }
  await answer(context, outcome.ok ? outcome.answer : INACTIVE, callerId, request, now)
}

/** @throws OAuthError when the caller is not proven */
function callerOf(
  { kind, authentication }: ProvenCaller,
  { snapshot, report }: EndpointRequest,
): Caller {
  report.authentication = authentication
  if (!authentication.ok) {
    const { code, refusal } = authentication
    const shown = code === 'invalid_client' ? snapshot.compatibility.unprovenCaller : code
    throw new OAuthError(shown, refusal)
  }
  const { clientId } = authentication.client
  if (kind === 'client') return { kind, clientId }
  const resource = snapshot.resources.find(({ name }) => name === clientId)
  if (!resource) throw new Error('a resource was proven that there is not')
  return { kind, resource }
}

async function answerOf(
  token: string,
  caller: Caller,
  { snapshot }: EndpointRequest,
  now: Date,
): Promise<Answering> {
  // Not from the cache: whoever asks here has one of their own, and two would add up.
  const found = await snapshot.introspectOwn(token, now)
  if (!found.active) return { ok: false, ...found.refusal }
  const { clientId } = found
  if (snapshot.authentication.registry.find(clientId)?.enabled !== true) {
    return { ok: false, reason: 'client-disabled', got: clientId }
  }
  return introspectionAnswer(found, caller)
}

async function answer(
  context: Context,
  content: Answer,
  audience: string,
  { snapshot }: EndpointRequest,
  issuedAt: Date,
): Promise<void> {
  context.vary('accept')
  context.set('cache-control', snapshot.compatibility.cacheControl)
  context.set('pragma', 'no-cache')
  if (context.accepts('application/json', SIGNED_TYPE) === SIGNED_TYPE) {
    const { issuer } = snapshot.endpoints
    const signed = { answer: content, issuer, audience, issuedAt }
    const jwt = await signIntrospection(signed, snapshot.keyRing.current)
    context.set('content-type', SIGNED_TYPE)
    context.body = jwt
    return
  }
  context.set('content-type', 'application/json; charset=UTF-8')
  context.body = JSON.stringify(content)
}
