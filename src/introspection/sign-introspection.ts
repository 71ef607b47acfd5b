import { SignJWT } from 'jose'

import type { SigningKey } from '../tokens/signing-key.ts'
import type { Answer } from './introspection-answer.ts'

export interface SignedIntrospection {
  readonly answer: Answer
  readonly issuer: string
  /** The id of the caller; the answer is for nobody else. */
  readonly audience: string
  readonly issuedAt: Date
}

/** The media type of a signed introspection answer, which a caller asks for (RFC 9701 §4). */
export const SIGNED_TYPE = 'application/token-introspection+jwt'

/** Signs an introspection answer. It has no `sub` and no `exp`, lest it pass for an access token (RFC 9701 §5). */
export function signIntrospection(signed: SignedIntrospection, key: SigningKey): Promise<string> {
  return new SignJWT({ token_introspection: signed.answer })
    .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: 'token-introspection+jwt' })
    .setIssuer(signed.issuer)
    .setAudience(signed.audience)
    .setIssuedAt(signed.issuedAt)
    .sign(key.privateKey)
}
