import { decodeJwt, decodeProtectedHeader } from 'jose'

import { inactive } from './introspection.ts'
import type { Introspect, Introspection } from './introspection.ts'

/** Another issuer, as far as choosing it needs. */
export interface Issuer {
  readonly issuer: string
  readonly opaqueTokens: boolean
  readonly introspect: Introspect
}

const MAX_LENGTH = 16 * 1024

/**
 * Tokens of ours and of other issuers, each checked by its own issuer and shown to nobody else. A JWT says whose it is,
 * and its issuer proves it. A token that does not say is looked for among ours, then at the issuers of opaque tokens.
 */
export function introspectToken(
  own: Introspect,
  ownIssuer: string,
  issuers: readonly Issuer[],
): Introspect {
  const others = new Map(issuers.map((one) => [one.issuer, one]))
  others.delete(ownIssuer)
  const opaque = issuers.filter((one) => one.opaqueTokens)
  return async (token, now) => {
    if (token.length > MAX_LENGTH) return inactive({ reason: 'token-too-long' })
    const claimed = claimedIssuer(token)
    if (claimed !== undefined) return (others.get(claimed)?.introspect ?? own)(token, now)
    const known = await own(token, now)
    if (known.active || opaque.length === 0) return known
    return askInTurn(opaque, token, now)
  }
}

/** The first that knows the token. When none does and one could not say, nobody can. */
async function askInTurn(
  issuers: readonly Issuer[],
  token: string,
  now: Date,
): Promise<Introspection> {
  let last: Introspection = inactive({ reason: 'token-unknown' })
  let failure: { readonly error: unknown } | undefined
  for (const { introspect } of issuers) {
    try {
      last = await introspect(token, now)
      if (last.active) return last
    } catch (error) {
      failure ??= { error }
    }
  }
  if (failure) throw failure.error
  return last
}

/** What a JWT says of itself; undefined for anything else. An empty text: it is one, and does not say. */
function claimedIssuer(token: string): string | undefined {
  try {
    decodeProtectedHeader(token)
    return decodeJwt(token).iss ?? ''
  } catch {
    return undefined
  }
}
