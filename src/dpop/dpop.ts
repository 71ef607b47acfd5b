import { hash } from 'node:crypto'

import type { StateStore } from '#contract'

import type { DpopSettings } from '../config/dpop-schema.ts'
import { StateUnavailableError } from '../errors.ts'
import { withTimeLimit } from '../plugin-host/time-limit.ts'
import { checkProof } from './check-proof.ts'
import type { ProofCheck, ProofRules, ProvenRequest } from './check-proof.ts'
import { nonces } from './nonces.ts'

/** Checks proofs of possession by the settings, against one state store. */
export interface Dpop {
  readonly algorithms: readonly string[]
  /** Rejects with a StateUnavailableError when the store cannot say whether a proof was used before. */
  check(request: ProvenRequest): Promise<ProofCheck>
  /** A nonce for the next proof; absent: none is needed. */
  nonce?(now: Date): Promise<string>
}

/**
 * @param issuer its origin is the first that clients call us by
 * @param timeLimit milliseconds for one answer of the store
 */
export function openDpop(
  { algorithms, origins, proofLifetime, nonce, nonceLifetime }: DpopSettings,
  issuer: string,
  store: Pick<StateStore, 'add' | 'get'>,
  timeLimit: number,
): Dpop {
  const answer = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await withTimeLimit(call(), timeLimit)
    } catch (error) {
      throw new StateUnavailableError(error)
    }
  }
  const needed =
    nonce === 'required'
      ? nonces(
          {
            get: (key) => answer(() => store.get(key)),
            add: (key, value) => answer(() => store.add(key, value)),
          },
          nonceLifetime,
        )
      : undefined
  const rules: ProofRules = {
    algorithms,
    origins: [...new Set([issuer, ...origins].map((one) => new URL(one).origin))],
    proofLifetime,
    ...(needed && { isFresh: needed.isFresh }),
    claim(jkt, jti, until) {
      const key = `replay:${hash('sha256', JSON.stringify(['dpop', jkt, jti]), 'base64url')}`
      return answer(() => store.add(key, '', until))
    },
  }
  return {
    algorithms,
    check: (request) => checkProof(request, rules),
    ...(needed && { nonce: needed.make }),
  }
}
