import type { Client, Refusal } from '#contract'

import type { ApiResource } from '../registry/load-resources.ts'

export type Grant =
  | { readonly ok: true; readonly scopes: readonly string[]; readonly audience: readonly string[] }
  | (Refusal & { readonly ok: false })

const MAX_LENGTH = 300

/**
 * The scopes that a client gets: those it asked for when all are allowed, else none; all allowed
 * ones when it asked for none (RFC 6749 §3.3). `audience` names the resources that own them.
 */
export function grantScopes(
  requested: string | undefined,
  client: Client,
  resources: readonly ApiResource[],
): Grant {
  if (requested !== undefined && requested.length > MAX_LENGTH) {
    return { ok: false, reason: 'scope-too-long', got: `${requested.length} characters` }
  }
  const asked = requested?.split(' ').filter((scope) => scope !== '') ?? []
  const scopes = [...new Set(asked.length > 0 ? asked : client.allowedScopes)]
  const foreign = scopes.filter((scope) => !client.allowedScopes.includes(scope))
  if (foreign.length > 0) {
    return {
      ok: false,
      reason: 'scope-not-allowed',
      got: foreign.join(' '),
      want: `some of: ${client.allowedScopes.join(' ')}`,
    }
  }
  const owners = resources.filter(
    (resource) => resource.enabled && resource.scopes.some((scope) => scopes.includes(scope)),
  )
  return { ok: true, scopes, audience: owners.map(({ name }) => name) }
}
