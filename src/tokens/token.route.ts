import type { Context } from 'koa'

import type { Authentication } from '../client-authentication/authentication.ts'
import { authenticateClient } from '../client-authentication/authenticate-client.ts'
import { bindToKey } from '../dpop/bind-to-key.ts'
import { OAuthError } from '../errors.ts'
import type { EndpointRequest } from '../http/endpoint-request.ts'
import { readEndpointForm } from '../http/read-endpoint-form.ts'
import { accessTokenClaims } from './access-token-claims.ts'
import { grantScopes } from './grant-scopes.ts'
import { issueAccessToken } from './issue-access-token.ts'
import { narrowToResources } from './narrow-to-resources.ts'

/** `POST /connect/token`: the client credentials grant (RFC 6749 §4.4). */
export async function tokenRoute(context: Context, request: EndpointRequest): Promise<void> {
  const { snapshot, report } = request
  const { fields, repeated, authRequest } = await readEndpointForm(context, request, {
    purpose: 'token',
    notPost: 'invalid_request',
    notForm: 'invalid_request',
    repeatable: ['resource'],
  })
  const now = new Date()
  const authentication = await authenticateClient(authRequest, snapshot.authentication, now)
  report.authentication = authentication
  if (!authentication.ok) throw new OAuthError(authentication.code, authentication.refusal)

  const grantType = fields.get('grant_type')
  checkGrant(grantType, authentication, request)
  const { client } = authentication
  const whole = grantScopes(fields.get('scope'), client, snapshot.resources)
  if (!whole.ok) throw new OAuthError('invalid_scope', whole)
  const named = repeated.get('resource') ?? []
  const grant = narrowToResources(whole, named, client, snapshot.resources)
  if (!grant.ok) throw new OAuthError('invalid_target', grant)
  if (snapshot.compatibility.needsScope && grant.scopes.length === 0) {
    throw new OAuthError('invalid_scope', { reason: 'scope-none-allowed' })
  }

  const audience = grant.audience.length > 0 ? grant.audience : snapshot.defaultAudience
  const proof = authRequest.headers['dpop']
  if (proof !== undefined && snapshot.dpop.nonce) {
    context.set('dpop-nonce', await snapshot.dpop.nonce(now))
  }
  const { method, path } = authRequest
  const proven = { proof, method, path, now }
  const confirmation = await bindToKey(authentication.confirmation, client, proven, snapshot.dpop)
  const claims = accessTokenClaims(
    {
      issuer: snapshot.endpoints.issuer,
      client,
      scopes: grant.scopes,
      audience,
      ...(confirmation && { confirmation }),
      issuedAt: now,
    },
    snapshot.compatibility,
  )
  const token = await issueAccessToken(claims, client.accessTokenType, {
    key: snapshot.keyRing.current,
    state: snapshot.tokenState,
  })
  request.metrics.tokenIssued(authentication.method, client.accessTokenType)
  context.set('cache-control', snapshot.compatibility.cacheControl)
  context.set('pragma', 'no-cache')
  context.set('content-type', 'application/json; charset=UTF-8')
  context.body = JSON.stringify({
    access_token: token,
    expires_in: client.accessTokenLifetime,
    token_type: confirmation?.jkt === undefined ? 'Bearer' : 'DPoP',
    ...(grant.scopes.length > 0 && { scope: grant.scopes.join(' ') }),
  })
}

function checkGrant(
  grantType: string | undefined,
  { client }: Extract<Authentication, { ok: true }>,
  { snapshot }: EndpointRequest,
): void {
  if (grantType === undefined) {
    throw new OAuthError(snapshot.compatibility.missingGrantType, { reason: 'grant-type-missing' })
  }
  if (grantType !== 'client_credentials') {
    const want = 'client_credentials'
    const got = grantType.slice(0, 100)
    throw new OAuthError('unsupported_grant_type', { reason: 'grant-type-unsupported', got, want })
  }
  if (!client.allowedGrantTypes.includes(grantType)) {
    const want = `allowedGrantTypes of the client: ${client.allowedGrantTypes.join(', ')}`
    throw new OAuthError('unauthorized_client', { reason: 'grant-type-not-allowed', want })
  }
}
