import { isHandle } from '../tokens/reference-token.ts'
import { introspectOwnHandle } from './introspect-own-handle.ts'
import { introspectOwnJwt } from './introspect-own-jwt.ts'
import type { OwnJwts } from './introspect-own-jwt.ts'
import { inactive } from './introspection.ts'
import type { Introspect } from './introspection.ts'
import type { OwnToken } from './own-token.ts'

/** Checks tokens of our own, each by its shape: a JWT has dots, a handle has 64 digits, there is nothing else. */
export function introspectOwnToken(own: OwnJwts): Introspect<OwnToken> {
  const jwt = introspectOwnJwt(own)
  const handle = introspectOwnHandle(own)
  return async (token, now) => {
    if (token.includes('.')) return jwt(token, now)
    if (isHandle(token)) return handle(token, now)
    const want = 'a JWT, or a handle of 64 hexadecimal digits in capitals'
    return inactive({ reason: 'token-unknown', got: `${token.length} characters`, want })
  }
}
