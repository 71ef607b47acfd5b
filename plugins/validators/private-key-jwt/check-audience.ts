import type { Refusal } from '#contract'

import { show } from './show.ts'

/** `issuer`: the issuer and nobody else. `any`: one of all the names that we go by. */
export type AudienceRule = 'issuer' | 'any'

/**
 * Checks `aud`, a text or an array of texts. For `issuer` it names exactly one (draft-ietf-oauth-rfc7523bis §4), so that
 * an assertion made for another server cannot be used here; a `/` at the end makes no difference.
 */
export function checkAudience(
  aud: unknown,
  audiences: readonly string[],
  rule: AudienceRule,
): Refusal | undefined {
  const named = namesIn(aud)
  const ours = named.filter((name) => audiences.some((audience) => same(name, audience)))
  const [issuer] = audiences
  if (rule === 'any' && ours.length > 0) return undefined
  if (issuer !== undefined && named.length === 1 && same(named[0], issuer)) return undefined
  const hint = rule === 'issuer' && ours.length > 0 ? hintFor(named) : undefined
  const want = rule === 'issuer' ? show(issuer) : `one of ${show(audiences)}`
  return { reason: 'jwt-aud', got: show(aud), want, ...(hint && { hint }) }
}

/** Empty when anything in it is not a text. */
function namesIn(aud: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return list.every((name) => typeof name === 'string') ? list : []
}

function hintFor(named: readonly string[]): string {
  return named.length > 1
    ? 'the audience must be the issuer alone, as a text or an array of one'
    : 'the client signs for an endpoint; let it name the issuer, or set audience: legacy'
}

function same(a: string | undefined, b: string): boolean {
  return a?.replace(/\/$/, '') === b.replace(/\/$/, '')
}
