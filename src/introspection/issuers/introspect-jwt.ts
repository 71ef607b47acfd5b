import type { Refusal } from '#contract'
import type { KeyObject } from 'node:crypto'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import type { ProtectedHeaderParameters } from 'jose'

import type { IssuerSettings } from '../../config/issuers-schema.ts'
import { jwtRefusal } from '../introspect-own-jwt.ts'
import { inactive } from '../introspection.ts'
import type { Introspect } from '../introspection.ts'
import { foreignToken } from './foreign-token.ts'
import type { HeldValue } from './held-value.ts'
import type { IssuerKeys } from './read-jwks.ts'

export type JwtRules = Pick<
  IssuerSettings,
  'issuer' | 'algorithms' | 'types' | 'clockSkew' | 'clientIdClaim' | 'scopeClaim'
> & {
  /** An unknown key id makes us fetch the keys again at most this often. Milliseconds. */
  readonly minInterval: number
}

/** Checks JWTs of another issuer by its public keys. Throws an IssuerUnavailableError while there are none. */
export function introspectJwt(rules: JwtRules, keys: HeldValue<IssuerKeys>): Introspect {
  const { issuer, clockSkew } = rules
  return async (token, now) => {
    const header = headerOf(token)
    if (!header) return inactive({ reason: 'jwt-malformed' })
    const fault = headerFault(header, rules)
    if (fault) return inactive(fault)
    const key = await findKey(header, keys, rules.minInterval)
    if (!key) {
      const got = `kid ${String(header.kid).slice(0, 60)}, alg ${header.alg}`
      return inactive({ reason: 'jwt-kid-unknown', got })
    }
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [header.alg ?? ''],
        issuer,
        clockTolerance: clockSkew / 1000,
        currentDate: now,
        requiredClaims: ['exp'],
      })
      return foreignToken(payload, rules)
    } catch (error) {
      return inactive(jwtRefusal(error, issuer))
    }
  }
}

function headerOf(token: string): ProtectedHeaderParameters | undefined {
  try {
    return decodeProtectedHeader(token)
  } catch {
    return undefined
  }
}

/** Keys that a token brings or points to (jwk, jku, x5c, x5u) are not looked at. */
function headerFault(
  { alg, typ }: ProtectedHeaderParameters,
  { algorithms, types, issuer }: JwtRules,
): Refusal | undefined {
  if (!algorithms.some((one) => one === alg)) {
    const want = algorithms.join(' or ')
    return { reason: 'jwt-alg-not-allowed', got: String(alg).slice(0, 60), want }
  }
  // RFC 7515 §4.1.9: compared without case and without "application/".
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : ''
  if (types.some((one) => one.toLowerCase() === type)) return undefined
  const hint = `when these are access tokens of ${issuer}, add it to its types`
  return { reason: 'jwt-type', got: String(typ).slice(0, 60), want: types.join(' or '), hint }
}

async function findKey(
  { alg = '', kid }: ProtectedHeaderParameters,
  keys: HeldValue<IssuerKeys>,
  minInterval: number,
): Promise<KeyObject | undefined> {
  const known = (await keys.get()).find(alg, kid)
  if (known || !(await keys.renew(minInterval))) return known
  return (await keys.get()).find(alg, kid)
}
