import type { Refusal } from '#contract'

import type { Members } from './assertion.ts'
import { show } from './show.ts'

export interface HeaderRules<Algorithm extends string> {
  readonly algorithms: readonly Algorithm[]
  /** Only the type of draft-ietf-oauth-rfc7523bis counts. */
  readonly explicitType: boolean
}

export type Header<Algorithm extends string> =
  | {
      readonly ok: true
      readonly alg: Algorithm
      /** The type says: a client assertion and nothing else. */
      readonly explicitlyTyped: boolean
    }
  | Refused

type Refused = Refusal & { readonly ok: false }

const EXPLICIT = 'client-authentication+jwt'

/** What the header must say whoever signed. Keys that it carries or points to are never looked at. */
export function checkHeader<Algorithm extends string>(
  header: Members,
  rules: HeaderRules<Algorithm>,
): Header<Algorithm> {
  const { typ } = header
  const alg = rules.algorithms.find((one) => one === header['alg'])
  if (alg === undefined) return algorithmRefused(header['alg'], rules)
  if ('crit' in header || 'b64' in header)
    return {
      ok: false,
      reason: 'jwt-crit',
      got: 'crit or b64 in the header',
      want: 'no extensions',
    }
  const type = typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : typ
  const explicitlyTyped = type === EXPLICIT
  if (explicitlyTyped || (!rules.explicitType && (type === undefined || type === 'jwt')))
    return { ok: true, alg, explicitlyTyped }
  const want = rules.explicitType ? EXPLICIT : `${EXPLICIT}, JWT or none`
  const hint =
    type === 'at+jwt'
      ? { hint: 'the client sends an access token where its assertion belongs' }
      : {}
  return { ok: false, reason: 'jwt-typ', got: show(typ), want, ...hint }
}

function algorithmRefused(alg: unknown, rules: HeaderRules<string>): Refused {
  const symmetric =
    typeof alg === 'string' &&
    alg.startsWith('HS') &&
    !rules.algorithms.some((one) => one.startsWith('HS'))
  return {
    ok: false,
    reason: 'jwt-alg-not-allowed',
    got: show(alg),
    want: rules.algorithms.join(', '),
    ...(symmetric && { hint: 'the client signs with its secret; it must sign with a private key' }),
  }
}
