import type { AuthRequest, Purpose } from '#contract'
import type { Context } from 'koa'

import { OAuthError } from '../errors.ts'
import type { OAuthErrorCode } from '../errors.ts'
import type { EndpointRequest } from './endpoint-request.ts'
import type { EndpointName } from './endpoints.ts'
import { readForm } from './read-form.ts'
import type { Form, FormRules } from './read-form.ts'

export interface EndpointRules extends FormRules {
  readonly purpose: Exclude<Purpose, 'api'>
  /** The error for another method than POST. */
  readonly notPost: OAuthErrorCode
}

export interface EndpointForm extends Form {
  /** The request as parsers see it. */
  readonly authRequest: AuthRequest
}

/** Where each endpoint asks for a certificate in the handshake (RFC 8705 §5). */
const MTLS = {
  token: 'mtlsToken',
  introspection: 'mtlsIntrospection',
  revocation: 'mtlsRevocation',
} as const satisfies Record<EndpointRules['purpose'], EndpointName>

/**
 * What every endpoint that takes a form asks first: POST, nothing in the query, a form, and a certificate on an mTLS path.
 * @throws OAuthError
 */
export async function readEndpointForm(
  context: Context,
  request: EndpointRequest,
  rules: EndpointRules,
): Promise<EndpointForm> {
  const { purpose } = rules
  if (context.method !== 'POST') {
    throw new OAuthError(rules.notPost, { reason: 'not-post', got: context.method })
  }
  if (context.search !== '') {
    // A secret in the query has been written to somebody's access log already.
    throw new OAuthError('invalid_request', { reason: `query-on-${purpose}-endpoint` })
  }
  const form = await readForm(context.req, rules)
  const authRequest = request.authRequest(purpose, form.fields)
  if (context.path === request.snapshot.endpoints.path[MTLS[purpose]] && !authRequest.peer) {
    throw new OAuthError('invalid_client', { reason: 'cert-missing' })
  }
  return { ...form, authRequest }
}
