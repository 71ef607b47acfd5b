const DROPPED = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** It has no content, and says so (RFC 9110 §15.3.6), whatever comes with it. */
export const RESET_CONTENT = 205

const NO_NAMES: ReadonlySet<string> = new Set()

/**
 * Makes the client's header lines, name and value in turn, from the upstream's (names in lower
 * case, repeated ones as an array); `extra` lines replace the upstream's of the same name.
 * Undefined: the answer is one that we cannot hand on, by its status or the coding of its body.
 */
export function responseHeaders(
  status: number,
  upstream: Readonly<Record<string, string | string[] | undefined>>,
  extra: readonly string[],
): string[] | undefined {
  // RFC 9110 §15: there are none, and HTTP/2 cannot say them
  if (status > 599) return undefined
  const coding = upstream['transfer-encoding']
  if (coding !== undefined && String(coding).toLowerCase() !== 'chunked') return undefined
  const connection = upstream['connection']
  const named = connection === undefined ? NO_NAMES : connectionNames(String(connection))
  // RFC 9110 §8.6: these have no length; one would be taken for the next message's bytes
  const hasNoLength = status < 200 || status === 204 || status === RESET_CONTENT
  const lines: string[] = []
  for (const name in upstream) {
    const value = upstream[name]
    if (value === undefined || DROPPED.has(name) || named.has(name)) continue
    if (hasNoLength && name === 'content-length') continue
    if (extra.length > 0 && isNamed(extra, name)) continue
    if (typeof value === 'string') lines.push(name, value)
    else for (const one of value) lines.push(name, one)
  }
  if (status === RESET_CONTENT) lines.push('content-length', '0')
  return extra.length > 0 ? lines.concat(extra) : lines
}

function connectionNames(value: string): ReadonlySet<string> {
  if (value === 'keep-alive' || value === 'close') return NO_NAMES
  return new Set(value.split(',').map((name) => name.trim().toLowerCase()))
}

function isNamed(lines: readonly string[], name: string): boolean {
  for (let i = 0; i < lines.length; i += 2) {
    if (lines[i]?.toLowerCase() === name) return true
  }
  return false
}
