import type { IncomingHttpHeaders } from 'node:http'

import type { ClientRequest, ClientResponse } from '../http/client-message.ts'
import { responseHeaders } from './response-headers.ts'

/**
 * Hands early hints on (RFC 8297) to a client that can take them; without a link there is nothing to hint at.
 * @param extra lines for the client that replace the upstream's of the same name, name and value in turn
 */
export function sendEarlyHints(
  request: ClientRequest,
  response: ClientResponse,
  { link, ...others }: IncomingHttpHeaders,
  extra: readonly string[],
): void {
  if (link === undefined || request.httpVersion === '1.0' || response.headersSent) return
  const lines = responseHeaders(103, others, extra)
  if (lines === undefined) return
  const hints: Record<string, string | string[]> = { link: String(link) }
  for (let i = 0; i < lines.length; i += 2) hints[lines[i] ?? ''] = lines[i + 1] ?? ''
  try {
    response.writeEarlyHints(hints)
  } catch {
    // hints that node takes for malformed are no loss
  }
}
