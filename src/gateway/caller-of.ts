import type { Refusal } from '#contract'

import type { ActiveToken } from '../introspection/introspection.ts'
import type { IssuerPolicy } from '../introspection/issuers/issuer-policy.ts'
import type { Registry } from '../registry/registry.ts'

export interface CallerParts {
  readonly registry: Registry
  /** One of these has to be in the audience of a token of ours; absent: any will do. */
  readonly audience: readonly string[] | undefined
  /** By issuer. */
  readonly issuers: ReadonlyMap<string, IssuerPolicy>
}

export type Caller =
  | {
      readonly ok: true
      readonly clientId: string
      readonly clientName?: string
      readonly scopes: readonly string[]
    }
  | (Refusal & { readonly ok: false })

/**
 * Who the caller is here by a token that counts where it was issued.
 * Nothing of this is remembered: clients, audiences and issuers may have changed since.
 */
export function callerOf(token: ActiveToken, parts: CallerParts): Caller {
  const { issuer, clientId, scopes } = token
  if (issuer === undefined) {
    const caller = registered(clientId, scopes, parts.registry)
    return caller.ok ? (audienceFault(token, parts.audience) ?? caller) : caller
  }
  const policy = parts.issuers.get(issuer)
  if (!policy) return { ok: false, reason: 'issuer-not-trusted', got: issuer }
  const fault = audienceFault(token, policy.audience)
  if (fault) return fault
  const counting = policy.scopes ? scopes.filter((one) => policy.scopes?.has(one)) : scopes
  const local = policy.clients.get(clientId)
  if (local !== undefined) return registered(local, counting, parts.registry)
  return stranger(clientId, counting, policy, parts.registry)
}

function registered(clientId: string, scopes: readonly string[], registry: Registry): Caller {
  const client = registry.find(clientId)
  if (!client?.enabled) return { ok: false, reason: 'client-disabled', got: clientId }
  const { clientName } = client
  return { ok: true, clientId, ...(clientName !== undefined && { clientName }), scopes }
}

/** A client that is known to its issuer alone. */
function stranger(
  remoteId: string,
  scopes: readonly string[],
  { clientPrefix }: IssuerPolicy,
  registry: Registry,
): Caller {
  if (clientPrefix === undefined) {
    const hint = 'name it in the clients of the issuer, or set clientPrefix'
    return { ok: false, reason: 'client-not-mapped', got: remoteId, hint }
  }
  const clientId = clientPrefix + remoteId
  // Whoever names clients there must not be able to name one of ours.
  if (registry.find(clientId)) {
    return { ok: false, reason: 'client-name-taken', got: clientId, hint: 'change clientPrefix' }
  }
  return { ok: true, clientId, scopes }
}

function audienceFault(
  { audience }: ActiveToken,
  wanted: readonly string[] | undefined,
): Caller | undefined {
  if (!wanted || wanted.some((one) => audience.includes(one))) return undefined
  const [got, want] = [audience.join(' '), wanted.join(' or ')]
  return { ok: false, reason: 'token-audience', got, want }
}
