import type { StateStore } from '#contract'

import { StateUnavailableError } from '../errors.ts'
import { withTimeLimit } from '../plugin-host/time-limit.ts'

/** The state store as tokens need it. Every call ends in time, or fails with a StateUnavailableError. */
export type TokenState = Pick<StateStore, 'get' | 'set' | 'delete' | 'publish'>

/** @param timeLimit milliseconds that one call may take */
export function tokenState(store: StateStore, timeLimit: number): TokenState {
  return {
    get: (key) => inTime(() => store.get(key), timeLimit),
    set: (key, value, until) => inTime(() => store.set(key, value, until), timeLimit),
    delete: (key) => inTime(() => store.delete(key), timeLimit),
    publish: (channel, message) => inTime(() => store.publish(channel, message), timeLimit),
  }
}

/** One question to the state store. @throws StateUnavailableError when it fails or takes too many milliseconds */
export async function inTime<T>(ask: () => Promise<T>, timeLimit: number): Promise<T> {
  try {
    return await withTimeLimit(ask(), timeLimit)
  } catch (error) {
    throw new StateUnavailableError(error)
  }
}
