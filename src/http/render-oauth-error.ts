import type { Compatibility } from '../config/compatibility.ts'
import { WIRE } from '../errors.ts'
import type { OAuthErrorCode } from '../errors.ts'

/** What of an error leaves the house: a function of its code alone. */
export interface RenderedError {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[]>>
  readonly body: string
}

/** An OAuth error answer of our own endpoints (RFC 6749 §5.2). */
export function renderOAuthError(
  code: OAuthErrorCode,
  compatibility: Compatibility,
  challenges: readonly string[],
): RenderedError {
  const { status, description } = WIRE[code]
  if ('bare' in WIRE[code]) return bare(status, compatibility)
  const isClient = code === 'invalid_client'
  const shown = isClient ? compatibility.invalidClientStatus : status
  return {
    status: shown,
    headers: {
      'content-type': 'application/json; charset=UTF-8',
      'cache-control': compatibility.cacheControl,
      pragma: 'no-cache',
      ...(shown === 401 && challenges.length > 0 && { 'www-authenticate': [...challenges] }),
      ...(status === 503 && { 'retry-after': '5' }),
    },
    body: JSON.stringify({
      // `request_too_large` is ours; the registered word for it is invalid_request.
      error: code === 'request_too_large' ? 'invalid_request' : code,
      ...(compatibility.describesErrors && { error_description: description }),
    }),
  }
}

function bare(status: number, { cacheControl }: Compatibility): RenderedError {
  return {
    status,
    headers: { 'cache-control': cacheControl, ...(status === 405 && { allow: 'POST' }) },
    body: '',
  }
}
