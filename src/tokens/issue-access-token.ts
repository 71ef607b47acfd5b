import type { Client } from '#contract'

import type { AccessTokenClaims } from './access-token-claims.ts'
import { makeReferenceToken } from './reference-token.ts'
import { signAccessToken } from './sign-access-token.ts'
import type { SigningKey } from './signing-key.ts'
import type { TokenState } from './token-state.ts'

export interface Issuing {
  readonly key: SigningKey
  readonly state: TokenState
}

const TYPES: Readonly<
  Record<
    Client['accessTokenType'],
    (claims: AccessTokenClaims, issuing: Issuing) => Promise<string>
  >
> = {
  Jwt: (claims, { key }) => signAccessToken(claims, key),
  Reference: (claims, { state }) => makeReferenceToken(claims, state),
}

/** Claims → the access token of the type that the client gets. @throws StateUnavailableError */
export function issueAccessToken(
  claims: AccessTokenClaims,
  type: Client['accessTokenType'],
  issuing: Issuing,
): Promise<string> {
  return TYPES[type](claims, issuing)
}
