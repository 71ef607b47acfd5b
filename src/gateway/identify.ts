import type { AuthRequest, Principal } from '#contract'

import type {
  Authentication,
  AuthenticationParts,
  Unauthenticated,
} from '../client-authentication/authentication.ts'
import { authenticateClient } from '../client-authentication/authenticate-client.ts'
import type { Dpop } from '../dpop/dpop.ts'
import { UnavailableError } from '../errors.ts'
import type { Introspection } from '../introspection/introspection.ts'
import { callerOf } from './caller-of.ts'
import type { DpopChallenge } from './render-refusal.ts'
import { tokenBinding } from './token-binding.ts'
import type { TokenScheme } from './token-binding.ts'
import type { IssuerPolicy } from '../introspection/issuers/issuer-policy.ts'

export type Identification =
  | { readonly ok: true; readonly principal: Principal }
  | (Unauthenticated & { readonly dpop?: DpopChallenge })

export interface IdentifyParts {
  readonly authentication: AuthenticationParts
  introspect(token: string, now: Date): Introspection | Promise<Introspection>
  readonly dpop: Dpop
  /** One of these has to be in the audience of a token; absent: any will do. */
  readonly audience: readonly string[] | undefined
  /** What tokens of other issuers count for, by issuer. */
  readonly issuers: ReadonlyMap<string, IssuerPolicy>
  /** The header may be meant for the upstream, so one that nobody here can read is no contradiction. */
  readonly forwardsAuthorization: boolean
}

const BEARER = /^bearer(?: +(.*))?$/i
const DPOP = /^dpop(?: +(.*))?$/i
const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/

/**
 * Who calls the API: by an access token in the `Authorization` header (RFC 6750 §2.1, RFC 9449 §7.1, nowhere else),
 * or by client authentication on the request itself. An answer that is known comes at once.
 */
export function identify(
  request: AuthRequest,
  parts: IdentifyParts,
  now: Date,
): Identification | Promise<Identification> {
  const authorization = request.headers['authorization']
  const bearer = authorization === undefined ? null : BEARER.exec(authorization)
  if (!bearer) {
    const bound = authorization === undefined ? null : DPOP.exec(authorization)
    if (bound) return identifyByProof(bound[1] ?? '', request, parts, now)
    return authenticateClient(request, parts.authentication, now).then((authentication) =>
      // Somebody meant this header as a proof; that a certificate came with it must not settle the matter.
      authentication.ok &&
      authentication.peer &&
      authorization !== undefined &&
      !parts.forwardsAuthorization
        ? refused('invalid_token', { reason: 'authorization-scheme-unknown' })
        : toPrincipal(authentication),
    )
  }
  const token = bearer[1] ?? ''
  if (!TOKEN68.test(token)) {
    return refused('invalid_request', { reason: 'bearer-malformed' })
  }
  const answer = parts.introspect(token, now)
  return answer instanceof Promise
    ? answer.then((one) => admit(one, request, parts, 'Bearer'), unavailable)
    : admit(answer, request, parts, 'Bearer')
}

/** A token that is bound to a key, and the proof that the caller has it (RFC 9449 §7). */
async function identifyByProof(
  token: string,
  request: AuthRequest,
  parts: IdentifyParts,
  now: Date,
): Promise<Identification> {
  const { algorithms } = parts.dpop
  if (!TOKEN68.test(token)) return refused('invalid_request', { reason: 'dpop-token-malformed' })
  try {
    const admitted = admit(await parts.introspect(token, now), request, parts, 'DPoP')
    if (!admitted.ok) return { ...admitted, dpop: { algorithms } }
    const { principal } = admitted
    const { method, path, headers } = request
    const bound = { token, jkt: principal.confirmation?.jkt ?? '' }
    const check = await parts.dpop.check({ proof: headers['dpop'], method, path, now, bound })
    if (check.ok) return { ok: true, principal: { ...principal, method: 'dpop' } }
    const { ok: _, code, ...refusal } = check
    const nonce = code === 'use_dpop_nonce' ? await parts.dpop.nonce?.(now) : undefined
    const dpop = { algorithms, ...(nonce !== undefined && { nonce }) }
    return { ...refused(code, refusal, principal.clientId), dpop }
  } catch (error) {
    return unavailable(error)
  }
}

/** What no memory may answer: is the client still there, is the token for us, does its binding fit this connection. */
function admit(
  introspection: Introspection,
  { peer }: AuthRequest,
  { authentication, audience, issuers }: IdentifyParts,
  scheme: TokenScheme,
): Identification {
  if (!introspection.active) return refused('invalid_token', introspection.refusal)
  const { clientId, expiresAt, confirmation } = introspection
  const { registry } = authentication
  const caller = callerOf(introspection, { registry, audience, issuers })
  if (!caller.ok) {
    const { ok: _, ...refusal } = caller
    return refused('invalid_token', refusal, clientId)
  }
  const unbound = tokenBinding(confirmation, peer, scheme)
  if (unbound) return refused('invalid_token', unbound, clientId)
  return {
    ok: true,
    principal: {
      clientId: caller.clientId,
      ...(caller.clientName !== undefined && { clientName: caller.clientName }),
      scopes: caller.scopes,
      method: 'bearer',
      ...(expiresAt && { expiresAt }),
      ...(confirmation && { confirmation }),
      ...(peer && { peer }),
    },
  }
}

/** Nobody can say whether the token counts, so it does not, for now. */
function unavailable(error: unknown): Identification {
  if (!(error instanceof UnavailableError)) throw error
  return refused('temporarily_unavailable', { reason: error.reason, got: error.message })
}

function toPrincipal(authentication: Authentication): Identification {
  if (!authentication.ok) return authentication
  const { client, method, confirmation, peer } = authentication
  return {
    ok: true,
    principal: {
      clientId: client.clientId,
      ...(client.clientName !== undefined && { clientName: client.clientName }),
      scopes: client.allowedScopes,
      method,
      ...(confirmation && { confirmation }),
      ...(peer && { peer }),
    },
  }
}

function refused(
  code: Unauthenticated['code'],
  refusal: Unauthenticated['refusal'],
  claimedClientId?: string,
): Unauthenticated {
  return { ok: false, code, refusal, ...(claimedClientId !== undefined && { claimedClientId }) }
}
