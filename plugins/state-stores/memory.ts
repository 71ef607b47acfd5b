import { EventEmitter } from 'node:events'

import type { StateStore, StateStorePlugin } from '#contract'
import { z } from 'zod'

const options = z
  .strictObject({ maxEntries: z.int().min(1).max(100_000_000).default(200_000) })
  .prefault({})

/** Everything in this process: gone with it, and unknown to others. */
export default {
  contract: 1,
  options,
  setup: ({ maxEntries }) => memoryStore({ maxEntries }),
} satisfies StateStorePlugin<z.infer<typeof options>>

export interface MemoryStoreOptions {
  readonly maxEntries: number
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

interface Entry {
  readonly value: string
  /** Milliseconds since 1970. */
  readonly until: number
}

const SWEEP_AT_MOST_EVERY = 1000

/**
 * A store in memory. When it is full it takes nothing new and says so by rejecting: to drop a claim or a revocation
 * that still holds would let in what was refused.
 */
export function memoryStore({ maxEntries, now = Date.now }: MemoryStoreOptions): StateStore {
  const entries = new Map<string, Entry>()
  const channels = new EventEmitter().setMaxListeners(0)
  let sweptAt = Number.NEGATIVE_INFINITY
  let closed = false

  function assertOpen(): void {
    if (closed) throw new Error('the memory store is closed')
  }

  function live(key: string): Entry | undefined {
    assertOpen()
    const entry = entries.get(key)
    if (entry === undefined || now() < entry.until) return entry
    entries.delete(key)
    return undefined
  }

  function write(key: string, value: string, until: number): void {
    if (!entries.has(key) && entries.size >= maxEntries) sweep()
    if (!entries.has(key) && entries.size >= maxEntries)
      throw new Error(`the memory store is full: ${maxEntries} entries`)
    entries.set(key, { value, until })
  }

  /** Looks at every entry, so not for every caller that finds the store full. */
  function sweep(): void {
    const present = now()
    if (present - sweptAt < SWEEP_AT_MOST_EVERY) return
    sweptAt = present
    for (const [key, { until }] of entries) if (until <= present) entries.delete(key)
  }

  return {
    shared: false,
    durable: false,
    get: async (key) => live(key)?.value,
    async set(key, value, until) {
      assertOpen()
      write(key, value, time(until))
    },
    async add(key, value, until) {
      if (live(key)) return false
      write(key, value, time(until))
      return true
    },
    async delete(key) {
      assertOpen()
      entries.delete(key)
    },
    async increment(key, until) {
      const before = live(key)
      const count = Number(before?.value ?? 0) + 1
      write(key, String(count), before?.until ?? time(until))
      return count
    },
    async publish(channel, message) {
      assertOpen()
      channels.emit(`to ${channel}`, message)
    },
    async subscribe(channel, listener) {
      assertOpen()
      channels.on(`to ${channel}`, listener)
      return async () => void channels.off(`to ${channel}`, listener)
    },
    async close() {
      closed = true
      entries.clear()
      channels.removeAllListeners()
    },
  }
}

/** @throws RangeError for a date that is none */
function time(until: Date | undefined): number {
  const milliseconds = until?.getTime() ?? Number.POSITIVE_INFINITY
  if (Number.isNaN(milliseconds)) throw new RangeError('the date is invalid')
  return milliseconds
}
