import type { ForwardedRequest, IdentityHeaders, Principal } from '#contract'
import type { OwnedNames } from './owned-names.ts'
import { printable } from './printable.ts'

/**
 * How long one value may be, in characters: room for a certificate, well under what servers take
 * for a head.
 */
export const MAX_IDENTITY_VALUE = 8192

/** On how many lines one name may be said. */
export const MAX_IDENTITY_LINES = 64

/**
 * Whether the upstream can be told who called. Every refusal is a fault of a part or of what it was
 * given.
 */
export type IdentityOutcome =
  | { readonly ok: true }
  | { readonly ok: false; readonly reason: string; readonly got?: string; readonly hint?: string }

const DONE: IdentityOutcome = { ok: true }

/** Visible ASCII with blanks and tabs between, never around (RFC 9110 §5.5). */
const VALUE = /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/

/**
 * Appends to `headers`, which `forwardedHeaders` made with the same `owned`, what each part says of
 * the caller. A name that is not owned, a name said twice, and a value that is not visible ASCII
 * are refused; then the request must not be forwarded, and `headers` may hold a part of what was to
 * be said.
 */
export function setIdentityHeaders(
  headers: string[],
  principal: Principal,
  request: ForwardedRequest,
  parts: readonly IdentityHeaders[],
  owned: OwnedNames,
): IdentityOutcome {
  const names: string[] = []
  for (const part of parts) {
    const answer = ask(part, principal, request)
    if (!answer.ok) return answer
    for (const name of Object.keys(answer.headers)) {
      const folded = owned.fold(name)
      if (folded === undefined) return refuse('identity-header-not-owned', name)
      if (names.includes(folded)) return refuse('identity-header-repeated', name)
      const said = values(answer.headers[name])
      if (said === undefined) return refuse('identity-header-not-text', name)
      if (said.length > MAX_IDENTITY_LINES) return refuse('identity-header-too-often', name)
      for (const value of said) {
        if (value.length > MAX_IDENTITY_VALUE) return refuse('identity-header-too-long', name)
        if (!VALUE.test(value)) return refuse('identity-header-not-visible-ascii', name)
        headers.push(name, value)
      }
      names.push(folded)
    }
  }
  return DONE
}

function ask(
  part: IdentityHeaders,
  principal: Principal,
  request: ForwardedRequest,
): { ok: true; headers: Readonly<Record<string, unknown>> } | (IdentityOutcome & { ok: false }) {
  try {
    const headers: unknown = part.headers(principal, request)
    // a promise is an object without names: it would pass for a part that says nothing
    return typeof headers === 'object' && headers !== null && !('then' in headers)
      ? { ok: true, headers: { ...headers } }
      : { ok: false, reason: 'identity-headers-not-an-object' }
  } catch (error) {
    return { ok: false, reason: 'identity-headers-threw', got: printable(String(error)) }
  }
}

/** One line or several; undefined when it is anything but text. */
function values(said: unknown): readonly string[] | undefined {
  if (typeof said === 'string') return [said]
  return Array.isArray(said) && said.every((one) => typeof one === 'string') ? said : undefined
}

function refuse(reason: string, name: string): IdentityOutcome {
  return { ok: false, reason, got: printable(name) }
}
