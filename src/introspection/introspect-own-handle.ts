import { findReferenceToken } from '../tokens/reference-token.ts'
import { tokenId } from '../tokens/token-id.ts'
import type { TokenState } from '../tokens/token-state.ts'
import { inactive } from './introspection.ts'
import type { Introspect } from './introspection.ts'
import { ownToken } from './own-token.ts'
import type { OwnToken } from './own-token.ts'

export interface OwnHandles {
  readonly issuer: string
  readonly state: TokenState
}

/** Looks reference tokens of our own up. What is deleted, revoked or expired long ago is all the same: unknown. */
export function introspectOwnHandle({ issuer, state }: OwnHandles): Introspect<OwnToken> {
  return async (token, now) => {
    const id = tokenId(token)
    const claims = await findReferenceToken(id, state)
    if (claims === undefined) return inactive({ reason: 'token-unknown', got: 'a handle' })
    const found = claims === 'unreadable' ? undefined : ownToken(claims, 'reference', id)
    if (!found) return inactive({ reason: 'token-malformed' })
    const { iss, exp } = found.claims
    if (iss !== issuer) {
      // Another one of us, who keeps its tokens in the same store.
      return inactive({ reason: 'token-iss', got: String(iss), want: issuer })
    }
    if (found.expiresAt <= now) {
      return inactive({ reason: 'token-expired', got: `exp ${String(exp)}` })
    }
    return found
  }
}
