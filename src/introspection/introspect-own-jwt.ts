import type { Refusal } from '#contract'
import { decodeProtectedHeader, errors, jwtVerify } from 'jose'
import type { JWTPayload, ProtectedHeaderParameters } from 'jose'

import type { KeyRing } from '../tokens/key-ring.ts'
import { isRevoked } from '../tokens/revoke-token.ts'
import { tokenId } from '../tokens/token-id.ts'
import type { TokenState } from '../tokens/token-state.ts'
import { inactive } from './introspection.ts'
import type { InactiveToken, Introspect } from './introspection.ts'
import { ownToken } from './own-token.ts'
import type { OwnToken } from './own-token.ts'

export interface OwnJwts {
  readonly issuer: string
  readonly keyRing: Pick<KeyRing, 'find'>
  readonly state: TokenState
}

const MAX_LENGTH = 16 * 1024

/** Checks JWT access tokens of our own: signature, type, issuer, lifetime (RFC 9068 §4), and whether it was revoked. */
export function introspectOwnJwt(own: OwnJwts): Introspect<OwnToken> {
  return async (token, now) => {
    if (token.length > MAX_LENGTH) return inactive({ reason: 'token-too-long' })
    if (token.split('.', 4).length !== 3) return inactive({ reason: 'token-unknown' })
    const verified = await verify(token, own, now)
    if ('active' in verified) return verified
    const { jti } = verified.claims
    if (typeof jti !== 'string') return inactive({ reason: 'jwt-malformed' })
    const id = tokenId(jti)
    if (await isRevoked(id, own.state)) return inactive({ reason: 'token-revoked' })
    return ownToken(verified.claims, 'jwt', id) ?? inactive({ reason: 'jwt-malformed' })
  }
}

async function verify(
  token: string,
  { issuer, keyRing }: OwnJwts,
  now: Date,
): Promise<{ readonly claims: JWTPayload } | InactiveToken> {
  const header = headerOf(token)
  if (!header) return inactive({ reason: 'jwt-malformed' })
  const { kid } = header
  // Outside of the net below: a store that fails says nothing about the token.
  const key = typeof kid === 'string' ? await keyRing.find(kid) : undefined
  if (!key) return inactive({ reason: 'jwt-kid-unknown', got: String(kid).slice(0, 100) })
  try {
    const { payload } = await jwtVerify(token, key.publicKey, {
      algorithms: [key.algorithm],
      typ: 'at+jwt',
      issuer,
      currentDate: now,
      requiredClaims: ['exp', 'client_id', 'jti'],
    })
    return { claims: payload }
  } catch (error) {
    return inactive(jwtRefusal(error, issuer))
  }
}

function headerOf(token: string): ProtectedHeaderParameters | undefined {
  try {
    return decodeProtectedHeader(token)
  } catch {
    return undefined
  }
}

const CLAIM_REASONS: Readonly<Record<string, string>> = {
  iss: 'jwt-iss',
  exp: 'jwt-exp',
  nbf: 'jwt-not-yet-valid',
  typ: 'jwt-type',
}

/** Why jose did not take a JWT. */
export function jwtRefusal(error: unknown, issuer: string): Refusal {
  if (error instanceof errors.JWTExpired) {
    return { reason: 'token-expired', got: `exp ${String(error.payload.exp)}` }
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    const got = JSON.stringify(error.payload[error.claim])?.slice(0, 200)
    return {
      reason: CLAIM_REASONS[error.claim] ?? 'jwt-malformed',
      ...(got !== undefined && { got }),
      ...(error.claim === 'iss' && { want: issuer }),
    }
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) return { reason: 'jwt-signature' }
  if (error instanceof errors.JOSEAlgNotAllowed) return { reason: 'jwt-alg-not-allowed' }
  return { reason: 'jwt-malformed' }
}
