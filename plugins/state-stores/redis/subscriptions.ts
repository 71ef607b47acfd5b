import type { PluginLog } from '#contract'

import type { Client } from './connect-client.ts'
import type { Link } from './keep-link.ts'

type Listener = (message: string) => void

export interface Subscriptions {
  /** Subscribes a new connection to all channels. */
  readonly renew: (client: Client) => Promise<void>
  add(link: Link, channel: string, listener: Listener): Promise<() => Promise<void>>
  readonly size: number
}

/** Who listens to which channel, whatever becomes of the connection. */
export function subscriptions(log: PluginLog): Subscriptions {
  const channels = new Map<string, Set<Listener>>()

  function tell(message: string, channel: string): void {
    for (const listener of channels.get(channel) ?? []) {
      try {
        listener(message)
      } catch (error) {
        log.warn(`a listener failed: ${error instanceof Error ? error.message : 'unknown'}`)
      }
    }
  }

  async function remove(link: Link, channel: string, listener: Listener): Promise<void> {
    const listeners = channels.get(channel)
    if (!listeners?.delete(listener) || listeners.size > 0) return
    channels.delete(channel)
    if (link.up) await link.run((client) => client.unsubscribe(channel)).catch(() => undefined)
  }

  return {
    get size() {
      return channels.size
    },
    async renew(client) {
      const names = [...channels.keys()]
      if (names.length > 0) await client.subscribe(names, tell)
    },
    async add(link, channel, listener) {
      // One of its own for each call, so that the same function can listen twice.
      const own: Listener = (message) => {
        listener(message)
      }
      const listeners = channels.get(channel) ?? new Set()
      channels.set(channel, listeners.add(own))
      try {
        await link.run((client) => client.subscribe(channel, tell))
      } catch (error) {
        await remove(link, channel, own)
        throw error
      }
      return () => remove(link, channel, own)
    },
  }
}
