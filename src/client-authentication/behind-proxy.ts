import type { AuthRequest, Malformed, RelayedConnection } from '#contract'

import type { ReadyPlugin } from '../plugin-host/set-up.ts'
import type { Unauthenticated } from './authentication.ts'

/** A request as parsers see it, or why they cannot: a proxy that is trusted said what makes no sense. */
export type AuthRequestReading =
  | { readonly ok: true; readonly request: AuthRequest }
  | Unauthenticated

/**
 * Puts the certificate of the client in the place of the proxy's, where the connection is a proxy's.
 * A proxy's own certificate never stands for its client, whether or not that sent one.
 * @param readers the parsers that know proxies
 * @param relayed the connection is a proxy's even when no parser knows it
 */
export function behindProxy(
  request: AuthRequest,
  readers: readonly ReadyPlugin<'parsers'>[],
  relayed: boolean,
): AuthRequestReading {
  let connection: RelayedConnection | undefined = relayed ? {} : undefined
  let reader: string | undefined
  for (const { id, part } of readers) {
    let said: RelayedConnection | Malformed | undefined
    try {
      said = part.behindProxy?.(request)
    } catch (error) {
      const got = `${id}: ${error instanceof Error ? error.message : 'it threw'}`
      return refused('server_error', id, { reason: 'plugin-error', got })
    }
    if (said === undefined) continue
    if ('malformed' in said) {
      const { malformed: reason, ...details } = said
      return refused('invalid_request', id, { reason, ...details })
    }
    if (reader !== undefined) {
      const got = `${reader} and ${id}`
      return refused('invalid_request', id, { reason: 'several-proxies', got })
    }
    reader = id
    connection = said
  }
  if (!connection) return { ok: true, request }
  const { peer: _, ...bare } = request
  const { peer } = connection
  return { ok: true, request: { ...bare, ...(peer && { peer }) } }
}

function refused(
  code: Unauthenticated['code'],
  parser: string,
  refusal: Unauthenticated['refusal'],
): Unauthenticated {
  return { ok: false, code, parser, refusal }
}
