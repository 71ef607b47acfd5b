import type { Client } from '#contract'

import type { ApiResource } from '../registry/load-resources.ts'
import type { Grant } from './grant-scopes.ts'

/** Characters, as IdentityServer has it. */
const MAX_LENGTH = 512

/**
 * Narrows a grant to the resources that the client named in `resource`, by name or URI (RFC 8707 §2.2): the audience is
 * what it named, the scopes are theirs. Each must be enabled and own one of the granted scopes; a refusal is an
 * `invalid_target`.
 */
export function narrowToResources(
  grant: Extract<Grant, { ok: true }>,
  named: readonly string[],
  client: Client,
  resources: readonly ApiResource[],
): Grant {
  if (named.length === 0) return grant
  const scopes = new Set<string>()
  for (const name of named) {
    if (name.length > MAX_LENGTH) {
      return { ok: false, reason: 'resource-too-long', got: `${name.length} characters` }
    }
    const resource = resources.find((one) => one.name === name || one.uri === name)
    if (!resource) return { ok: false, reason: 'resource-unknown', got: name }
    if (!resource.enabled) return { ok: false, reason: 'resource-disabled', got: name }
    const want = `a scope of the resource: ${resource.scopes.join(' ')}`
    if (!resource.scopes.some((scope) => client.allowedScopes.includes(scope))) {
      return { ok: false, reason: 'resource-not-allowed', got: name, want }
    }
    const shared = grant.scopes.filter((scope) => resource.scopes.includes(scope))
    if (shared.length === 0) {
      return { ok: false, reason: 'resource-without-scope', got: grant.scopes.join(' '), want }
    }
    for (const scope of shared) scopes.add(scope)
  }
  const audience = [...new Set(named)]
  return { ok: true, scopes: grant.scopes.filter((scope) => scopes.has(scope)), audience }
}
