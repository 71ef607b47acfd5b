import type { Refusal } from '#contract'

import type { ClientRequest } from '../http/client-message.ts'

/** How a proxy that asks for a decision says what about. */
export type Dialect = keyof typeof SAID_BY

/** Method and target as the proxy received them. */
export type OriginalRequest =
  | { readonly ok: true; readonly method: string; readonly url: string }
  | (Refusal & { readonly ok: false })

/** `path`: the method is that of the question, the target stands behind the path of the endpoint. */
const SAID_BY = {
  'x-original': { method: 'x-original-method', url: 'x-original-uri' },
  'x-forwarded': { method: 'x-forwarded-method', url: 'x-forwarded-uri' },
  path: undefined,
} as const

export const DIALECTS = Object.keys(SAID_BY) as readonly Dialect[]

// A method in lower case is another method, and no rule may take it for one that is not named.
const METHOD = /^[A-Z][A-Z-]{0,31}$/

/**
 * Reads, in the one dialect that is configured, what a proxy asks about. The headers of another
 * dialect may be the client's own, so they are not looked at (GHSA-7x63-xv5r-3p2x).
 * @param endpoint the path that the question came to
 */
export function originalRequest(
  { method = '', url = '', rawHeaders }: ClientRequest,
  dialect: Dialect,
  endpoint: string,
): OriginalRequest {
  const said = SAID_BY[dialect]
  if (!said) return checked(method, url.slice(endpoint.length))
  const methods = valuesOf(rawHeaders, said.method)
  const urls = valuesOf(rawHeaders, said.url)
  const [own] = methods
  const [target] = urls
  if (own === undefined || target === undefined) {
    const got = own === undefined ? `no ${said.method}` : `no ${said.url}`
    return { ok: false, reason: 'verify-original-missing', got, hint: MISSING }
  }
  if (methods.length + urls.length > 2) {
    const hint = 'the proxy must overwrite what its client sends'
    return { ok: false, reason: 'verify-original-repeated', hint }
  }
  return checked(own, target)
}

const MISSING = 'the proxy must say what it was asked for; see verify.dialect'

function checked(method: string, url: string): OriginalRequest {
  if (!METHOD.test(method)) return { ok: false, reason: 'verify-method-malformed' }
  if (!url.startsWith('/')) {
    const got = url === '' ? 'nothing' : 'no path'
    return { ok: false, reason: 'verify-original-missing', got, hint: MISSING }
  }
  return { ok: true, method, url }
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  )
}
