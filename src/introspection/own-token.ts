import type { Confirmation } from '#contract'
import type { JWTPayload } from 'jose'

import type { RevocableToken } from '../tokens/revoke-token.ts'
import type { ActiveToken, Introspect } from './introspection.ts'

/** A live token of our own, with all that it says. */
export interface OwnToken extends Omit<ActiveToken, keyof RevocableToken>, RevocableToken {
  readonly claims: JWTPayload
}

/**
 * The claims of an access token that is known to be ours → what it stands for, or undefined: they make no sense.
 * @param id see `tokenId`
 */
export function ownToken(
  claims: JWTPayload,
  type: OwnToken['type'],
  id: string,
): OwnToken | undefined {
  const { client_id: clientId, scope, exp, cnf } = claims
  const confirmation = readConfirmation(cnf)
  if (typeof clientId !== 'string' || typeof exp !== 'number' || confirmation === 'unreadable') {
    return undefined
  }
  return {
    active: true,
    type,
    id,
    clientId,
    scopes: readScopes(scope),
    audience: readTexts(claims.aud),
    expiresAt: new Date(exp * 1000),
    ...(confirmation && { confirmation }),
    claims,
  }
}

/** As the gateway needs it: the claims would only fill its cache. */
export function withoutClaims(introspect: Introspect<OwnToken>): Introspect {
  return async (token, now) => {
    const found = await introspect(token, now)
    if (!found.active) return found
    const { claims: _, type: __, ...rest } = found
    return rest
  }
}

export function readScopes(scope: unknown): readonly string[] {
  return typeof scope === 'string' ? scope.split(' ').filter((one) => one !== '') : readTexts(scope)
}

export function readTexts(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []
}

// A binding that cannot be read must not turn a bound token into a bearer token.
export function readConfirmation(cnf: unknown): Confirmation | undefined | 'unreadable' {
  if (cnf === undefined) return undefined
  if (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf)) return 'unreadable'
  const methods = Object.entries(cnf)
  const readable = methods.every(
    ([name, value]) => ['x5t#S256', 'jkt'].includes(name) && typeof value === 'string',
  )
  return readable && methods.length > 0 ? cnf : 'unreadable'
}
