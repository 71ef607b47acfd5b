import { EventEmitter } from 'node:events'

import type { StateStore } from '#contract'

import { countsHere } from '../client-authentication/guess-counts.ts'
import type { GuessCounts } from '../client-authentication/guess-counts.ts'
import type { Dialogue } from './dialogue.ts'
import type { PrimaryServices } from './worker-services.ts'

/** The state store of the primary, as a worker has it. */
export interface RemoteStore {
  readonly store: StateStore
  /** Counts for all workers; without the primary this one counts for itself. */
  readonly guesses: GuessCounts
  /** What the primary tells of a channel. */
  heard(channel: string, message: string): void
  /** What the primary tells of the connection of its store. */
  connected(isThere: boolean): void
}

/** Milliseconds for one answer. Who asks on behalf of a request waits for less. */
const PATIENCE = 10_000

/** Speaks to the store that the primary has opened. Every call rejects when there is no answer. */
export function remoteStore(
  primary: Dialogue<PrimaryServices>,
  { durable }: Pick<StateStore, 'durable'>,
): RemoteStore {
  const channels = new EventEmitter().setMaxListeners(0)
  const connections = new EventEmitter()
  const here = countsHere(() => Date.now())
  let closed = false
  const there = () => {
    if (closed) throw new Error('the store is closed')
    return primary
  }
  const store: StateStore = {
    shared: true,
    durable,
    get: async (key) => there().ask(PATIENCE, 'get', key),
    set: async (key, value, until) => there().ask(PATIENCE, 'set', key, value, time(until)),
    add: async (key, value, until) => there().ask(PATIENCE, 'add', key, value, time(until)),
    delete: async (key) => there().ask(PATIENCE, 'delete', key),
    increment: async (key, until) => there().ask(PATIENCE, 'increment', key, time(until) ?? 0),
    publish: async (channel, message) => there().ask(PATIENCE, 'publish', channel, message),
    async subscribe(channel, listener) {
      const name = `to ${channel}`
      channels.on(name, listener)
      const leave = async () => {
        channels.off(name, listener)
        if (channels.listenerCount(name) === 0) {
          await there().ask(PATIENCE, 'unsubscribe', channel)
        }
      }
      try {
        await there().ask(PATIENCE, 'subscribe', channel)
        return leave
      } catch (error) {
        channels.off(name, listener)
        throw error
      }
    },
    onConnection(listener) {
      connections.on('change', listener)
    },
    async close() {
      closed = true
      channels.removeAllListeners()
    },
  }
  return {
    store,
    guesses: {
      async count(key, until) {
        const own = await here.count(key, until)
        return primary.ask(PATIENCE, 'count', key, until).catch(() => own)
      },
    },
    heard(channel, message) {
      channels.emit(`to ${channel}`, message)
    },
    connected(isThere) {
      connections.emit('change', isThere)
    },
  }
}

/** @throws RangeError for a date that is none, which JSON would make one that never comes */
function time(until: Date | undefined): number | null {
  const milliseconds = until?.getTime()
  if (Number.isNaN(milliseconds)) throw new RangeError('the date is invalid')
  return milliseconds ?? null
}
