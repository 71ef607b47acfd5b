import type { AuthRequest, Credential, Malformed, Refusal } from '#contract'

import type { ReadyPlugin } from '../plugin-host/set-up.ts'

/** What one parser saw in the request. */
export interface Sighting {
  readonly parser: string
  readonly saw: 'nothing' | 'credential' | 'malformed' | 'fault'
}

/** A credential and the parser that read it. */
export interface Collected {
  readonly credential: Credential
  readonly parser: ReadyPlugin<'parsers'>
}

export type Collection =
  | { readonly kind: 'one'; readonly collected: Collected }
  | { readonly kind: 'none'; readonly sightings: readonly Sighting[] }
  | {
      readonly kind: 'refused'
      readonly code: 'invalid_request' | 'server_error'
      readonly refusal: Refusal
      readonly sightings: readonly Sighting[]
    }

/**
 * Finds the one credential of a request. Two explicit ones are refused (RFC 6749 §2.3); an ambient
 * one counts only when there is no explicit one. The order of the parsers decides nothing.
 */
export function collectCredential(
  parsers: readonly ReadyPlugin<'parsers'>[],
  request: AuthRequest,
): Collection {
  const sightings: Sighting[] = []
  const explicit: Collected[] = []
  const ambient: Collected[] = []
  let malformed: (Malformed & { readonly parser: string }) | undefined
  for (const parser of parsers) {
    let seen: Credential | Malformed | undefined
    try {
      seen = parser.part.parse(request)
    } catch (error) {
      sightings.push({ parser: parser.id, saw: 'fault' })
      const got = `${parser.id}: ${error instanceof Error ? error.message : 'it threw'}`
      return {
        kind: 'refused',
        code: 'server_error',
        refusal: { reason: 'plugin-error', got },
        sightings,
      }
    }
    if (seen === undefined) {
      sightings.push({ parser: parser.id, saw: 'nothing' })
    } else if ('malformed' in seen) {
      sightings.push({ parser: parser.id, saw: 'malformed' })
      malformed ??= { ...seen, parser: parser.id }
    } else {
      sightings.push({ parser: parser.id, saw: 'credential' })
      ;(parser.part.ambient ? ambient : explicit).push({ credential: seen, parser })
    }
  }
  const refused = (refusal: Refusal): Collection => {
    return { kind: 'refused', code: 'invalid_request', refusal, sightings }
  }
  if (malformed) {
    const { malformed: reason, parser: _, ...details } = malformed
    return refused({ reason, ...details })
  }
  if (explicit.length > 1) {
    const got = explicit.map(({ parser }) => parser.part.method).join(' and ')
    return refused({ reason: 'several-credentials', got, want: 'exactly one credential' })
  }
  const evidence = evidenceIn(request)
  if (evidence.length > explicit.length) {
    const hint = 'no parser that is loaded could read it, or only a part of it'
    return refused({ reason: 'credential-unread', got: evidence.join(' and '), hint })
  }
  const [collected] = explicit.length > 0 ? explicit : ambient
  if (explicit.length === 0 && ambient.length > 1) {
    const got = ambient.map(({ parser }) => parser.id).join(' and ')
    return refused({ reason: 'several-credentials', got, want: 'one ambient parser' })
  }
  if (!collected) return { kind: 'none', sightings }
  const field = request.form.get('client_id')
  const credential = forClient(collected.credential, field)
  if (!credential) return refused(ID_CONFLICT)
  return { kind: 'one', collected: { ...collected, credential } }
}

/**
 * What is meant as a proof, whoever can read it: neither a certificate that happens to be there nor
 * another proof may stand in for one that nobody read. On the API the header may be the upstream's
 * own; `identify` knows.
 */
function evidenceIn({ purpose, headers, form }: AuthRequest): readonly string[] {
  const isAssertion = form.has('client_assertion') || form.has('client_assertion_type')
  return [
    ...(purpose !== 'api' && headers['authorization'] !== undefined ? ['Authorization'] : []),
    ...(form.has('client_secret') ? ['client_secret'] : []),
    ...(isAssertion ? ['client_assertion'] : []),
  ]
}

/** The readings of a credential that are of the client in the `client_id` field, if any is. */
function forClient(credential: Credential, field: string | undefined): Credential | undefined {
  const { alternative, ...first } = credential
  if (field === undefined || first.claimedClientId === undefined) return credential
  if (alternative?.claimedClientId === field) {
    return first.claimedClientId === field ? credential : alternative
  }
  return first.claimedClientId === field ? first : undefined
}

// Without the two: whoever mixes up the fields may have put the secret where the id belongs.
const ID_CONFLICT: Refusal = {
  reason: 'client-id-mismatch',
  got: 'client_id beside a credential of another client',
  want: 'one client id',
}
