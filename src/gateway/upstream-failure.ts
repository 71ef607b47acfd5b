/** Why there is no answer of the upstream's to give. 413: the request became too long on its way. */
export interface UpstreamFailure {
  readonly status: 413 | 502 | 503 | 504
  /** A machine word: stable, kebab-case. */
  readonly reason: string
  /** For the operator: the error's code or message, cut short. */
  readonly got?: string
}

const BY_CODE: Readonly<Record<string, readonly [UpstreamFailure['status'], string]>> = {
  ECONNREFUSED: [502, 'upstream-refused'],
  ENOENT: [502, 'upstream-refused'],
  ENOTFOUND: [502, 'upstream-unreachable'],
  EAI_AGAIN: [502, 'upstream-unreachable'],
  EHOSTUNREACH: [502, 'upstream-unreachable'],
  ENETUNREACH: [502, 'upstream-unreachable'],
  EADDRNOTAVAIL: [502, 'upstream-unreachable'],
  EACCES: [502, 'upstream-unreachable'],
  ECONNRESET: [502, 'upstream-reset'],
  EPIPE: [502, 'upstream-reset'],
  UND_ERR_SOCKET: [502, 'upstream-reset'],
  ETIMEDOUT: [504, 'upstream-timeout'],
  UND_ERR_CONNECT_TIMEOUT: [504, 'upstream-timeout'],
  UND_ERR_HEADERS_TIMEOUT: [504, 'upstream-timeout'],
  UND_ERR_BODY_TIMEOUT: [504, 'upstream-timeout'],
  UND_ERR_HEADERS_OVERFLOW: [502, 'upstream-bad-response'],
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: [502, 'upstream-bad-response'],
  UND_ERR_INVALID_ARG: [502, 'request-not-forwardable'],
  UND_ERR_NOT_SUPPORTED: [502, 'request-not-forwardable'],
  UND_ERR_REQ_CONTENT_LENGTH_MISMATCH: [502, 'request-not-forwardable'],
  ERR_HTTP2_REFUSED_STREAM: [502, 'upstream-reset'],
  ERR_HTTP2_STREAM_CLOSED: [502, 'upstream-reset'],
  ERR_HTTP2_STREAM_ERROR: [502, 'upstream-reset'],
  ERR_HTTP2_SESSION_CLOSED: [502, 'upstream-reset'],
  ERR_HTTP2_SESSION_ERROR: [502, 'upstream-reset'],
  ERR_HTTP2_STREAM_CANCEL: [502, 'upstream-reset'],
  ERR_HTTP2_GOAWAY_SESSION: [502, 'upstream-reset'],
  ERR_HTTP2_INVALID_SESSION: [502, 'upstream-reset'],
  ERR_HTTP2_INVALID_CONNECTION_HEADERS: [502, 'request-not-forwardable'],
  ERR_HTTP2_INVALID_PSEUDOHEADER: [502, 'request-not-forwardable'],
  UND_ERR_CLOSED: [503, 'gateway-closing'],
  UND_ERR_DESTROYED: [503, 'gateway-closing'],
}

/** The first prefix that fits a code not listed above. */
const BY_PREFIX: readonly (readonly [string, string])[] = [
  ['ERR_HTTP_', 'upstream-bad-response'],
  ['HPE_', 'upstream-bad-response'],
  ['ERR_HTTP2_', 'upstream-bad-response'],
  ['ERR_INVALID_', 'upstream-bad-response'],
  ['ERR_TLS_', 'upstream-tls'],
  ['ERR_SSL_', 'upstream-tls'],
  ['CERT_', 'upstream-tls'],
  ['UNABLE_TO_', 'upstream-tls'],
  ['SELF_SIGNED_', 'upstream-tls'],
  ['DEPTH_ZERO_', 'upstream-tls'],
]

/** Turns what undici or the socket throws into a failure. */
export function upstreamFailure(error: Error): UpstreamFailure {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const got = (code === '' ? error.message : `${code}: ${error.message}`).slice(0, 200)
  // the parser's errors have no code, and 101 or 100 unasked share one with a broken connection
  if (
    error.name === 'HTTPParserError' ||
    (code === 'UND_ERR_SOCKET' && error.message.startsWith('bad '))
  ) {
    return { status: 502, reason: 'upstream-bad-response', got }
  }
  const known = BY_CODE[code]
  if (known !== undefined) return { status: known[0], reason: known[1], got }
  const prefixed = BY_PREFIX.find(([prefix]) => code.startsWith(prefix))
  return { status: 502, reason: prefixed?.[1] ?? 'upstream-error', got }
}
