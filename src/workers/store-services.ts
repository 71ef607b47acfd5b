import type { StateStore } from '#contract'

import type { GuessCounts } from '../client-authentication/guess-counts.ts'
import type { PrimaryServices } from './worker-services.ts'

/** What one worker may ask of the primary. */
export interface StoreServices {
  readonly services: PrimaryServices
  /** The worker is gone: nothing is told to it any more. */
  leave(): Promise<void>
}

/**
 * Hands a worker's questions on to the store.
 * @param heard tells the worker of a message
 */
export function storeServices(
  store: StateStore,
  guesses: GuessCounts,
  heard: (channel: string, message: string) => void,
): StoreServices {
  const channels = new Map<string, Promise<() => Promise<void>>>()
  const unsubscribe = async (channel: string) => {
    const subscription = channels.get(channel)
    channels.delete(channel)
    await (
      await subscription
    )?.()
  }
  return {
    services: {
      get: (key) => store.get(key),
      set: (key, value, until) => store.set(key, value, date(until)),
      add: (key, value, until) => store.add(key, value, date(until)),
      delete: (key) => store.delete(key),
      increment: (key, until) => store.increment(key, new Date(until)),
      publish: (channel, message) => store.publish(channel, message),
      async subscribe(channel) {
        const subscription =
          channels.get(channel) ??
          store.subscribe(channel, (message) => {
            heard(channel, message)
          })
        channels.set(channel, subscription)
        await subscription.catch((error: unknown) => {
          channels.delete(channel)
          throw error
        })
      },
      unsubscribe,
      count: (key, until) => guesses.count(key, until),
    },
    async leave() {
      await Promise.allSettled([...channels.keys()].map(unsubscribe))
    },
  }
}

function date(milliseconds: number | null): Date | undefined {
  return milliseconds === null ? undefined : new Date(milliseconds)
}
