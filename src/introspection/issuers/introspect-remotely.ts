import type { IssuerSettings } from '../../config/issuers-schema.ts'
import { IssuerUnavailableError } from '../../errors.ts'
import { inactive } from '../introspection.ts'
import type { InactiveToken, Introspect, Introspection } from '../introspection.ts'
import { foreignToken } from './foreign-token.ts'
import type { Outgoing } from './outgoing.ts'
import type { ProveOurselves } from './prove-ourselves.ts'
import type { JsonObject } from './strict-json.ts'

export type AnswerRules = Pick<
  IssuerSettings,
  'issuer' | 'clockSkew' | 'clientIdClaim' | 'scopeClaim'
>

export interface Remote {
  /** @throws IssuerUnavailableError when it cannot be found out */
  readonly endpoint: () => Promise<URL>
  readonly outgoing: Outgoing
  readonly prove: ProveOurselves
}

const LIMIT = 64 * 1024

/** Asks another issuer about a token (RFC 7662). Throws an IssuerUnavailableError for anything but a clear answer. */
export function introspectRemotely(rules: AnswerRules, remote: Remote): Introspect {
  const { endpoint, outgoing, prove } = remote
  return async (token, now) => {
    const url = await endpoint()
    const { headers, form } = await prove(now)
    const asked = { ...form, token, token_type_hint: 'access_token' }
    const { status, body } = await outgoing.ask({ url, headers, form: asked, limit: LIMIT })
    if (status !== 200) {
      const error = body?.['error']
      // RFC 7009 §2.2.1: not a kind of token that it knows.
      if (error === 'unsupported_token_type') return inactive({ reason: 'token-unsupported' })
      const what = `status ${status} ${shown(error)}`
      throw new IssuerUnavailableError(`${url.host}: ${what}`, { status })
    }
    const { active } = body
    if (typeof active !== 'boolean') {
      const what = 'an answer that does not say whether it is active'
      throw new IssuerUnavailableError(`${url.host}: ${what}`, { status })
    }
    return active ? readAnswer(body, rules, now) : inactive({ reason: 'token-inactive' })
  }
}

function readAnswer(answer: JsonObject, rules: AnswerRules, now: Date): Introspection {
  const { iss, nbf } = answer
  if (iss !== undefined && iss !== rules.issuer) {
    return inactive({ reason: 'token-iss', got: shown(iss), want: rules.issuer })
  }
  const kind = kindFault(answer)
  if (kind) return kind
  if (typeof nbf === 'number' && nbf * 1000 > now.getTime() + rules.clockSkew) {
    return inactive({ reason: 'jwt-not-yet-valid', got: `nbf ${nbf}` })
  }
  const found = foreignToken(answer, rules)
  if (!found.active || !found.expiresAt) return found
  if (found.expiresAt.getTime() + rules.clockSkew > now.getTime()) return found
  return inactive({ reason: 'token-expired', got: `exp ${String(answer['exp'])}` })
}

/** An endpoint may know refresh tokens too (RFC 7662 §2.1); they are not for APIs. */
function kindFault(answer: JsonObject): InactiveToken | undefined {
  const { token_type: type, token_use: use, cnf } = answer
  const name = typeof type === 'string' ? type.toLowerCase() : type
  const fine = name === undefined || name === 'bearer' || (name === 'dpop' && cnf !== undefined)
  if (fine && (use === undefined || use === 'access_token')) return undefined
  const got = shown(use === undefined ? type : [type, use])
  return inactive({ reason: 'token-type', got, want: 'an access token' })
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 100)
}
