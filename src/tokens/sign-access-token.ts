import { SignJWT } from 'jose'

import type { AccessTokenClaims } from './access-token-claims.ts'
import type { SigningKey } from './signing-key.ts'

/** Signs a JWT access token (RFC 9068). */
export async function signAccessToken(claims: AccessTokenClaims, key: SigningKey): Promise<string> {
  return new SignJWT(claims)
    .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: 'at+jwt' })
    .sign(key.privateKey)
}
