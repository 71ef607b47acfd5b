import type { Client, Confirmation } from '#contract'

import { OAuthError } from '../errors.ts'
import type { ProvenRequest } from './check-proof.ts'
import type { Dpop } from './dpop.ts'

/**
 * What a token is to be bound to, the key of a DPoP proof included (RFC 9449 §5).
 * @throws OAuthError `invalid_dpop_proof` or `use_dpop_nonce`; StateUnavailableError
 */
export async function bindToKey(
  confirmation: Confirmation | undefined,
  client: Client,
  request: ProvenRequest,
  dpop: Dpop,
): Promise<Confirmation | undefined> {
  if (request.proof === undefined) {
    if (client.requireDPoP !== true) return confirmation
    const hint = 'the client has requireDPoP; it must send a DPoP proof'
    throw new OAuthError('invalid_dpop_proof', { reason: 'dpop-missing', hint })
  }
  const check = await dpop.check(request)
  if (check.ok) return { ...confirmation, jkt: check.jkt }
  const { ok: _, code, ...refusal } = check
  throw new OAuthError(code, refusal)
}
