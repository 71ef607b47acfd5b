import { inactive } from '../introspection.ts'
import type { ActiveToken, InactiveToken } from '../introspection.ts'
import { readConfirmation, readScopes, readTexts } from '../own-token.ts'
import type { JsonObject } from './strict-json.ts'

export interface ForeignClaims {
  readonly issuer: string
  readonly clientIdClaim: string
  readonly scopeClaim: string
}

const CLIENT_ID = /^[\x21-\x7e]{1,200}$/
/** RFC 6749 §3.3. Anything else might read as two scopes later on. */
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/

/** The claims of another issuer's token that counts there → what it stands for. */
export function foreignToken(
  claims: JsonObject,
  { issuer, clientIdClaim, scopeClaim }: ForeignClaims,
): ActiveToken | InactiveToken {
  const { exp, cnf } = claims
  const clientId = claims[clientIdClaim]
  const confirmation = readConfirmation(cnf)
  if (typeof clientId !== 'string' || !CLIENT_ID.test(clientId)) {
    const hint = `set clientIdClaim to the claim of ${issuer} that names the client`
    return inactive({ reason: 'token-client-missing', want: `the claim ${clientIdClaim}`, hint })
  }
  if (confirmation === 'unreadable') return inactive({ reason: 'token-binding-unreadable' })
  const expires = exp === undefined ? undefined : dateOf(exp)
  if (expires === 'unreadable') return inactive({ reason: 'token-malformed', got: 'exp' })
  return {
    active: true,
    issuer,
    clientId,
    scopes: readScopes(claims[scopeClaim]).filter((scope) => SCOPE.test(scope)),
    audience: readTexts(claims['aud']),
    ...(expires && { expiresAt: expires }),
    ...(confirmation && { confirmation }),
  }
}

/** @param seconds since 1970 */
function dateOf(seconds: unknown): Date | 'unreadable' {
  if (typeof seconds !== 'number' || !(seconds >= 0)) return 'unreadable'
  // Beyond what a date can say it is far enough.
  return new Date(Math.min(seconds, 8e12) * 1000)
}
