import type { Client, Refusal } from '#contract'
import type { Context } from 'koa'

import { authenticateClient } from '../client-authentication/authenticate-client.ts'
import { OAuthError } from '../errors.ts'
import type { EndpointRequest } from '../http/endpoint-request.ts'
import { readEndpointForm } from '../http/read-endpoint-form.ts'
import { refusalDetails } from '../operations/refusal-line.ts'
import { revokeToken } from './revoke-token.ts'

/** The registered hints (RFC 7009 §4.1.2). Ours are told apart by their form, so a hint decides nothing. */
const HINTS = new Set(['access_token', 'refresh_token'])

/** `POST /connect/revocation`: a client gives a token of its own back (RFC 7009). */
export async function revocationRoute(context: Context, request: EndpointRequest): Promise<void> {
  const { snapshot, report } = request
  const { compatibility } = snapshot
  const { fields, authRequest } = await readEndpointForm(context, request, {
    purpose: 'revocation',
    notPost: compatibility.notPost,
    notForm: compatibility.notForm,
    repeatable: [],
  })
  const now = new Date()
  const authentication = await authenticateClient(authRequest, snapshot.revocationCallers, now)
  report.authentication = authentication
  if (!authentication.ok) throw new OAuthError(authentication.code, authentication.refusal)
  const token = fields.get('token')
  if (token === undefined) throw new OAuthError('invalid_request', { reason: 'token-missing' })
  const hint = fields.get('token_type_hint') ?? 'access_token'
  if (compatibility.refusesUnknownHint && !HINTS.has(hint)) {
    const refusal = { reason: 'token-type-hint-unknown', got: hint.slice(0, 100) }
    throw new OAuthError('unsupported_token_type', refusal)
  }
  await revoke(token, authentication.client, request, now)
  context.set('cache-control', compatibility.cacheControl)
  context.set('pragma', 'no-cache')
  context.status = 200
  context.body = ''
}

/** What is not the client's, or counts no more, is left alone; the client is told the same (RFC 7009 §2.2). */
async function revoke(
  token: string,
  { clientId }: Client,
  { snapshot, revoked, metrics, log, requestId }: EndpointRequest,
  now: Date,
): Promise<void> {
  const ignored = (refusal: Refusal) => {
    metrics.revoked('ignored')
    log.info({ requestId, client: clientId, ...refusalDetails(refusal) }, 'revocation.ignored')
  }
  const found = await snapshot.introspectOwn(token, now)
  if (!found.active) return ignored(found.refusal)
  if (found.clientId !== clientId) {
    return ignored({ reason: 'token-of-another-client', got: found.clientId, want: clientId })
  }
  revoked.add(found.id)
  await revokeToken(found, snapshot.tokenState)
  metrics.revoked('revoked')
  log.info(
    { requestId, client: clientId, type: found.type, jti: found.claims.jti },
    'token.revoked',
  )
}
