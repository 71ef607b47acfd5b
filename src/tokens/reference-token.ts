import { randomBytes } from 'node:crypto'

import type { JWTPayload } from 'jose'

import type { AccessTokenClaims } from './access-token-claims.ts'
import { tokenId } from './token-id.ts'
import type { TokenState } from './token-state.ts'

const HANDLE = /^[0-9A-F]{64}$/

/** Whether a token has the form of our handles: 256 bits, upper-case hexadecimal. */
export function isHandle(token: string): boolean {
  return HANDLE.test(token)
}

/**
 * Makes a token that stands for claims kept in the state store until they expire; the token itself is not kept.
 * @returns the handle. @throws StateUnavailableError
 */
export async function makeReferenceToken(
  claims: AccessTokenClaims,
  state: TokenState,
): Promise<string> {
  const handle = randomBytes(32).toString('hex').toUpperCase()
  await state.set(keyOf(tokenId(handle)), JSON.stringify(claims), new Date(claims.exp * 1000))
  return handle
}

/**
 * @param id of the handle
 * @returns the claims that the handle stands for, `unreadable` when they cannot be read, or undefined: not known (any more)
 * @throws StateUnavailableError
 */
export async function findReferenceToken(
  id: string,
  state: TokenState,
): Promise<JWTPayload | 'unreadable' | undefined> {
  const kept = await state.get(keyOf(id))
  if (kept === undefined) return undefined
  try {
    const claims = JSON.parse(kept) as JWTPayload | null
    return typeof claims === 'object' && claims !== null ? claims : 'unreadable'
  } catch {
    return 'unreadable'
  }
}

/** @param id of the handle. @throws StateUnavailableError */
export async function forgetReferenceToken(id: string, state: TokenState): Promise<void> {
  await state.delete(keyOf(id))
}

function keyOf(id: string): string {
  return `reference-token:${id}`
}
