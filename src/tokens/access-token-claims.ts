import { randomBytes } from 'node:crypto'

import type { Client, Confirmation } from '#contract'
import type { JWTPayload } from 'jose'

import type { Compatibility } from '../config/compatibility.ts'

export interface AccessTokenContents {
  readonly issuer: string
  readonly client: Client
  readonly scopes: readonly string[]
  readonly audience: readonly string[]
  readonly confirmation?: Confirmation
  readonly issuedAt: Date
}

/** What an access token says, whether it carries it as a JWT (RFC 9068 §2.2) or stands for it as a handle. */
export interface AccessTokenClaims extends JWTPayload {
  readonly iss: string
  readonly exp: number
  readonly jti: string
  readonly client_id: string
}

export function accessTokenClaims(
  contents: AccessTokenContents,
  compatibility: Compatibility,
): AccessTokenClaims {
  const { client, scopes, audience, confirmation } = contents
  const now = Math.floor(contents.issuedAt.getTime() / 1000)
  return {
    ...staticClaims(client),
    iss: contents.issuer,
    ...(compatibility.emitsNotBefore && { nbf: now }),
    iat: now,
    exp: now + client.accessTokenLifetime,
    ...(audience.length > 0 && { aud: audience.length === 1 ? audience[0] : [...audience] }),
    ...(confirmation && { cnf: confirmation }),
    ...(scopes.length > 0 && {
      scope: compatibility.scopeAs === 'array' ? scopes : scopes.join(' '),
    }),
    client_id: client.clientId,
    ...(compatibility.emitsSubject && { sub: client.clientId }),
    jti: randomBytes(16).toString('hex').toUpperCase(),
  }
}

// Claims of the protocol, which a client definition must not be able to forge even with an empty prefix:
// those of tokens (RFC 9068 §2.2) and those of introspection answers (RFC 7662 §2.2).
const RESERVED = new Set(
  `iss nbf iat exp aud cnf scope client_id sub jti azp act may_act auth_time acr amr
  active token_type username`.split(/\s+/),
)

/** The claims of the definition under their prefix; several of one type become an array. */
function staticClaims(client: Client): Record<string, string | string[]> {
  const claims = new Map<string, string[]>()
  for (const { type, value } of client.claims) {
    const name = client.clientClaimsPrefix + type
    if (!RESERVED.has(name)) claims.set(name, [...(claims.get(name) ?? []), value])
  }
  return Object.fromEntries(
    [...claims].map(([name, values]) => [name, values.length === 1 ? (values[0] ?? '') : values]),
  )
}
