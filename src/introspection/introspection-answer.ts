import type { Refusal } from '#contract'

import type { ApiResource } from '../registry/load-resources.ts'
import type { OwnToken } from './own-token.ts'

/** Who asks about a token. */
export type Caller =
  | { readonly kind: 'resource'; readonly resource: ApiResource }
  | { readonly kind: 'client'; readonly clientId: string }

/** The members of an introspection answer (RFC 7662 §2.2). */
export type Answer = Readonly<Record<string, unknown>> & { readonly active: boolean }

/** What a caller may know of a token, or why it may not know even that the token counts. */
export type Answering =
  | { readonly ok: true; readonly answer: Answer }
  | (Refusal & { readonly ok: false })

/** All that is said of a token that does not count for the caller. */
export const INACTIVE: Answer = { active: false }

/** A live token → what this caller is told: a resource only of its own scopes, a client only of its own tokens. */
export function introspectionAnswer(token: OwnToken, caller: Caller): Answering {
  const visible = visibleScopes(token, caller)
  if (!visible.ok) return visible
  const { scope: _, ...claims } = token.claims
  return {
    ok: true,
    answer: {
      ...claims,
      active: true,
      token_type: token.confirmation?.jkt === undefined ? 'Bearer' : 'DPoP',
      ...(visible.scopes.length > 0 && { scope: visible.scopes.join(' ') }),
    },
  }
}

type Visible =
  | { readonly ok: true; readonly scopes: readonly string[] }
  | (Refusal & { readonly ok: false })

function visibleScopes(token: OwnToken, caller: Caller): Visible {
  if (caller.kind === 'client') {
    const { clientId } = caller
    if (token.clientId === clientId) return { ok: true, scopes: token.scopes }
    return { ok: false, reason: 'token-of-another-client', got: token.clientId, want: clientId }
  }
  const { name, uri, scopes: own } = caller.resource
  const scopes = token.scopes.filter((scope) => own.includes(scope))
  if (scopes.length === 0) {
    const want = `one of: ${own.join(' ')}`
    return { ok: false, reason: 'scope-missing', got: token.scopes.join(' '), want }
  }
  // A token that was asked for one resource (RFC 8707) must not count at another that shares a scope with it.
  if (token.audience.some((one) => one === name || one === uri)) return { ok: true, scopes }
  return { ok: false, reason: 'token-audience', got: token.audience.join(' '), want: name }
}
