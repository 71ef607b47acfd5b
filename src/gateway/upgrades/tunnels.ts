import type { RecentRevocations } from '../../introspection/recent-revocations.ts'
import type { Snapshot } from '../../snapshot.ts'
import type { GatewayServices } from '../refuse.ts'
import { stillAllowed } from './still-allowed.ts'
import type { Opened } from './still-allowed.ts'
import type { Tunnel } from './tunnel.ts'

/** A connection that has changed its protocol, and what is known of it. */
export interface KeptTunnel {
  readonly tunnel: Tunnel
  readonly requestId: string
  readonly path: string
  readonly opened: Opened
}

interface Entry extends KeptTunnel {
  /** By the clock on the wall. */
  checkedAt: number
  checking: boolean
}

export interface TunnelServices extends GatewayServices {
  readonly revoked: Pick<RecentRevocations, 'count' | 'epoch'>
}

/** All connections that have changed their protocol, of the whole process. */
export interface Tunnels {
  readonly size: number
  /** @returns to be called when it is closed */
  add(kept: KeptTunnel): () => void
  /** Ends what is expired, and asks again about what has not been asked for long or when there is occasion to. */
  look(now: Date): void
  endAll(reason: string): void
}

/** More are asked about the next time: it must not keep the others waiting. */
const CHECKS_AT_ONCE = 1000

/** @param current by what a request that came now would be judged */
export function createTunnels(current: () => Snapshot, services: TunnelServices): Tunnels {
  const { log, revoked } = services
  const entries = new Set<Entry>()
  let seen = occasion()

  /** Another one: everybody is asked about, soon. */
  function occasion() {
    return { snapshot: current(), count: revoked.count, epoch: revoked.epoch }
  }

  const end = (
    { tunnel, requestId, path, opened }: Entry,
    refusal: object & { reason: string },
  ) => {
    const client = opened.principal?.clientId
    log.info({ requestId, path, client, ...refusal }, 'tunnel.ended')
    tunnel.end(refusal.reason)
  }

  const check = async (entry: Entry, snapshot: Snapshot, now: Date) => {
    entry.checking = true
    // Before the answer: when there is occasion to ask again meanwhile, this one counts for nothing.
    entry.checkedAt = now.getTime()
    try {
      const refusal = await stillAllowed(entry.opened, snapshot, now)
      if (refusal && !refusal.retryable && entries.has(entry)) end(entry, refusal)
    } catch (error) {
      log.error({ requestId: entry.requestId, err: error }, 'request.failed')
      entry.tunnel.end('internal-error')
    }
    entry.checking = false
  }

  return {
    get size() {
      return entries.size
    },
    add(kept) {
      // What it was judged by may have changed before the upstream agreed.
      const entry = { ...kept, checkedAt: -Infinity, checking: false }
      entries.add(entry)
      return () => entries.delete(entry)
    },
    look(now) {
      const { snapshot, count, epoch } = occasion()
      const { closeAtExpiry, closeAtRevocation, recheck } = snapshot.settings.upgrades
      if (snapshot !== seen.snapshot || count !== seen.count || epoch !== seen.epoch) {
        seen = { snapshot, count, epoch }
        for (const entry of entries) entry.checkedAt = -Infinity
      }
      let checks = 0
      for (const entry of entries) {
        const expiresAt = entry.opened.principal?.expiresAt
        if (closeAtExpiry && expiresAt && expiresAt <= now) {
          end(entry, { reason: 'token-expired' })
        } else if (closeAtRevocation && now.getTime() - entry.checkedAt >= recheck) {
          if (!entry.checking && checks++ < CHECKS_AT_ONCE) void check(entry, snapshot, now)
        }
      }
    },
    endAll(reason) {
      for (const entry of entries) end(entry, { reason })
    },
  }
}
