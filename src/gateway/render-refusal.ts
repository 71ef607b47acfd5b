import { WIRE } from '../errors.ts'
import type { OAuthErrorCode } from '../errors.ts'

/** What of a refusal leaves the house: status, header lines (name and value in turn) and body. */
export interface RenderedRefusal {
  readonly status: number
  readonly headers: readonly string[]
  readonly body: string
}

const JSON_TYPE = ['content-type', 'application/json; charset=UTF-8', 'cache-control', 'no-store']

/** What a caller that spoke DPoP is told of it (RFC 9449 §7.1, §9). */
export interface DpopChallenge {
  readonly algorithms: readonly string[]
  /** For the next proof. */
  readonly nonce?: string
}

/** The status is that of our own endpoints, save for these. */
const UNPROVEN = new Set<OAuthErrorCode>(['invalid_dpop_proof', 'use_dpop_nonce'])

/**
 * Refuses a caller of the API (RFC 6750 §3). The answer is a function of the code and the route alone.
 * @param dpop given when the caller spoke DPoP
 */
export function renderRefusal(
  code: OAuthErrorCode,
  challenges: readonly string[],
  scopes: readonly string[] | undefined,
  dpop?: DpopChallenge,
): RenderedRefusal {
  const { description } = WIRE[code]
  const status = UNPROVEN.has(code) ? 401 : WIRE[code].status
  const body = JSON.stringify({ error: code, error_description: description })
  if (status === 503) return { status, headers: [...JSON_TYPE, 'retry-after', '5'], body }
  if (status !== 401 && status !== 403) return { status, headers: JSON_TYPE, body }
  const names = code === 'invalid_client' ? '' : `, error="${code}"`
  const needed = code === 'insufficient_scope' && scopes ? `, scope="${scopes.join(' ')}"` : ''
  const scheme = dpop ? 'DPoP' : 'Bearer'
  const algorithms = dpop ? `, algs="${dpop.algorithms.join(' ')}"` : ''
  const own = `${scheme} realm="vouchgate"${names}${needed}${algorithms}`
  const lines = [own, ...(status === 401 ? challenges : [])].flatMap((challenge) => [
    'www-authenticate',
    challenge,
  ])
  if (dpop?.nonce !== undefined) lines.push('dpop-nonce', dpop.nonce)
  return { status, headers: [...JSON_TYPE, ...lines], body }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** Problem details (RFC 9457) for what is not about the caller's proof. */
export function renderProblem(status: number, headers: readonly string[] = []): RenderedRefusal {
  return {
    status,
    headers: ['content-type', 'application/problem+json', 'cache-control', 'no-store', ...headers],
    body: JSON.stringify({ type: 'about:blank', title: TITLES[status] ?? 'Error', status }),
  }
}
