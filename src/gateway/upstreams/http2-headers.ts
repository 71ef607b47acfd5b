import type { OutgoingHttpHeaders } from 'node:http2'

import type { DispatchLine } from './dispatching.ts'

/** The head of a request in HTTP/2 (RFC 9113 §8.3.1); `:authority` is what `host` was. */
export function http2Headers(
  { method, path, headers: lines, takesTrailers }: DispatchLine,
  scheme: 'http' | 'https',
): OutgoingHttpHeaders {
  const headers = Object.create(null) as OutgoingHttpHeaders
  headers[':method'] = method
  headers[':scheme'] = scheme
  headers[':path'] = path
  for (let i = 0; i < lines.length; i += 2) {
    const name = (lines[i] ?? '').toLowerCase()
    const value = lines[i + 1] ?? ''
    if (name === 'host') headers[':authority'] = value
    else add(headers, name, value)
  }
  // RFC 9113 §8.2.2: all that may be said in TE
  if (takesTrailers === true) headers['te'] = 'trailers'
  return headers
}

function add(headers: OutgoingHttpHeaders, name: string, value: string): void {
  const before = headers[name]
  if (before === undefined) headers[name] = value
  else if (Array.isArray(before)) before.push(value)
  else headers[name] = [String(before), value]
}
