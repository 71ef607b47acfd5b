import type { ClientRequest } from '../http/client-message.ts'
import { connectionOf } from '../http/client-message.ts'
import type { Forwarding } from './forwarded/forwarding.ts'
import { readWay } from './forwarded/read-way.ts'

/**
 * The address that a request comes from, for counting guesses and for the log: that of the other end of the
 * connection, and where a trusted proxy is there, the right-most in what it says that is no trusted proxy's. When it
 * says what makes no sense it is the proxy's own.
 */
export function callerAddress(
  request: ClientRequest,
  { forwarding }: { readonly forwarding: Forwarding },
): string | undefined {
  const { remoteAddress } = connectionOf(request)
  const way = readWay(request.rawHeaders, remoteAddress, forwarding)
  if (way?.ok === true && way.hops[0] !== undefined) return way.hops[0]
  return remoteAddress
}
