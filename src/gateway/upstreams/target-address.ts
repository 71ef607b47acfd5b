/** Where a target listens. */
export interface TargetAddress {
  /** As it is shown in logs, metrics and to identity headers: an origin, or `unix:/path`. */
  readonly text: string
  /** What undici and HTTP/2 take for the origin; a socket has one that stands for it. */
  readonly origin: string
  readonly secure: boolean
  readonly socketPath?: string
  /** Without the brackets of an IPv6 address. */
  readonly host: string
  readonly port: number
}

const SOCKET = /^unix:(\/[^\0]+)$/

/**
 * Reads `http://host:port`, `https://host:port` or `unix:/path`.
 * @throws TypeError when it is more or less than that; the text is not repeated, it may hold a password
 */
export function targetAddress(text: string): TargetAddress {
  const socketPath = SOCKET.exec(text)?.[1]
  if (socketPath !== undefined) {
    const origin = 'http://localhost'
    return { text, origin, secure: false, socketPath, host: 'localhost', port: 0 }
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.href !== `${url.origin}/`) {
    throw new TypeError(
      'an upstream must be an http or https origin, without user, path or query, or unix:/path',
    )
  }
  const secure = url.protocol === 'https:'
  return {
    text: url.origin,
    origin: url.origin,
    secure,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (secure ? 443 : 80) : Number(url.port),
  }
}
