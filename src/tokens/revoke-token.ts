import { forgetReferenceToken } from './reference-token.ts'
import type { TokenState } from './token-state.ts'

/** A live token of our own, as revoking it needs it. */
export interface RevocableToken {
  readonly type: 'jwt' | 'reference'
  /** See `tokenId`. */
  readonly id: string
  readonly expiresAt: Date
}

/** Where the id of every token that is revoked is told. */
export const REVOCATIONS = 'revocations'

/** The clock of a shared store may be ahead of ours; the mark must not go before the token does. Milliseconds. */
const MARGIN = 300_000

/**
 * Revokes a token everywhere and for good: a reference token is deleted, a JWT marked until it expires.
 * @throws StateUnavailableError: the caller has to try again
 */
export async function revokeToken(token: RevocableToken, state: TokenState): Promise<void> {
  const { type, id, expiresAt } = token
  // Told first: a handle that is deleted cannot be told of again when telling fails.
  await state.publish(REVOCATIONS, id)
  if (type === 'reference') await forgetReferenceToken(id, state)
  else await state.set(markOf(id), '', new Date(expiresAt.getTime() + MARGIN))
}

/** Whether a JWT was revoked. @param id of its `jti`. @throws StateUnavailableError */
export async function isRevoked(id: string, state: TokenState): Promise<boolean> {
  return (await state.get(markOf(id))) !== undefined
}

function markOf(id: string): string {
  return `revoked-token:${id}`
}
