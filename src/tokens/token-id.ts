import { hash } from 'node:crypto'

/**
 * What a token is known by wherever it is remembered: a SHA-256, base64url, of a reference token's handle or of a
 * JWT's `jti`. Not of the JWT itself: one signature can be written in several ways, and all of them are the same token.
 */
export function tokenId(text: string): string {
  return hash('sha256', text, 'base64url')
}
