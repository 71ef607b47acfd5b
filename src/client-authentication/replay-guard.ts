import { hash } from 'node:crypto'

import type { ReplayGuard, StateStore } from '#contract'

import { StateUnavailableError } from '../errors.ts'

/**
 * Claims keys for one client: what one client used up does not burn another's, and no key is stored as it came.
 * A store that cannot answer rejects with a StateUnavailableError.
 */
export function replayGuard(
  store: StateStore,
  clientId: string,
  kind: 'client' | 'resource' = 'client',
): ReplayGuard {
  return {
    async claim(key, until) {
      const name = `replay:${hash('sha256', JSON.stringify(kind === 'client' ? [clientId, key] : [kind, clientId, key]), 'base64url')}`
      try {
        return await store.add(name, '', until)
      } catch (error) {
        throw new StateUnavailableError(error)
      }
    },
  }
}
