const MESSAGES = {
  ERR_HTTP2_REFUSED_STREAM: 'the request was refused unread',
  ERR_HTTP2_STREAM_CLOSED: 'the stream ended before the answer did',
  ERR_HTTP2_SESSION_CLOSED: 'the connection ended before the answer did',
  ERR_HTTP2_NOT_SPOKEN: 'the other side does not speak HTTP/2',
  UND_ERR_CONNECT_TIMEOUT: 'no connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'nothing moved for too long',
  UND_ERR_CLOSED: 'closing',
  UND_ERR_DESTROYED: 'closed',
} as const

/** What ends a request over HTTP/2, in the words that undici has for HTTP/1.1 where it has any. */
export class Http2Failure extends Error {
  readonly code: keyof typeof MESSAGES

  constructor(code: keyof typeof MESSAGES, details?: string) {
    super(details === undefined ? MESSAGES[code] : `${MESSAGES[code]} (${details})`)
    this.code = code
  }
}
