import type { IncomingHttpHeaders } from 'node:http'

import type { ClientRequest } from '../http/client-message.ts'

/** What a trailer may not say (RFC 9110 §6.5.1): framing, routing, authentication, how to take the answer. */
const NEVER = new Set(
  [
    ['connection', 'keep-alive', 'proxy-connection', 'te', 'trailer', 'transfer-encoding'],
    [
      'upgrade',
      'http2-settings',
      'host',
      'content-length',
      'content-encoding',
      'content-type',
      'content-range',
    ],
    ['www-authenticate', 'proxy-authenticate', 'proxy-authentication-info', 'authorization'],
    ['proxy-authorization', 'authentication-info', 'set-cookie', 'cookie', 'location', 'age'],
    ['cache-control', 'expires', 'date', 'retry-after', 'vary', 'max-forwards', 'expect', 'range'],
  ].flat(),
)

/**
 * The trailers for the client, from the upstream's (names in lower case).
 * @param extra lines, name and value in turn, that are ours to say
 * @returns undefined: there are none
 */
export function responseTrailers(
  upstream: IncomingHttpHeaders,
  extra: readonly string[],
): Record<string, string> | undefined {
  let trailers: Record<string, string> | undefined
  for (const name in upstream) {
    const value = upstream[name]
    if (value === undefined || !isTrailer(name, extra)) continue
    trailers ??= {}
    trailers[name] = typeof value === 'string' ? value : value.join(', ')
  }
  return trailers
}

/**
 * Names the trailers to come in the head of an answer without a length, where the framing has room for them
 * (RFC 9112 §7.1.2).
 * @param value of the upstream's `Trailer`
 * @param lines of the head, name and value in turn
 * @returns whether there are any
 */
export function announceTrailers(
  { method, httpVersion }: ClientRequest,
  status: number,
  value: string,
  lines: string[],
  extra: readonly string[],
): boolean {
  if (httpVersion === '1.0' || method === 'HEAD' || status === 204 || status === 304) return false
  const names = value
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => TOKEN.test(name) && isTrailer(name, extra))
  if (names.length > 0) lines.push('trailer', names.join(', '))
  return names.length > 0
}

/** Whether a client can do with trailers (RFC 9110 §10.1.4). @param te its `TE` */
export function takesTrailers(te: string | string[] | undefined): boolean {
  return te !== undefined && /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i.test(String(te))
}

/** Whether trailers can be sent to this client. @param announced in the head of the answer */
export function mayHaveTrailers(
  { httpVersion, headers }: ClientRequest,
  announced: boolean,
): boolean {
  if (httpVersion === '1.0') return false
  return httpVersion !== '1.1' || announced || takesTrailers(headers.te)
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9a-z]+$/

function isTrailer(name: string, extra: readonly string[]): boolean {
  return !name.startsWith(':') && !NEVER.has(name) && !extra.includes(name)
}
