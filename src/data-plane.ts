import { setTimeout as sleep } from 'node:timers/promises'

import type { StateStore } from '#contract'

import { createApp } from './app.ts'
import { createTrustService } from './certificates/trust/trust-service.ts'
import { guessBrake } from './client-authentication/guess-brake.ts'
import type { GuessCounts } from './client-authentication/guess-counts.ts'
import { openUpgrades } from './gateway/upgrades/open-upgrades.ts'
import { openUpstreams } from './gateway/upstreams/open-upstreams.ts'
import type { UpstreamReports, Upstreams } from './gateway/upstreams/open-upstreams.ts'
import { tlsListener } from './http/tls-listener.ts'
import type { TlsMaterial } from './http/tls-listener.ts'
import { introspectionCache } from './introspection/introspection-cache.ts'
import { openIssuers } from './introspection/issuers/open-issuers.ts'
import type { Issuers, IssuerServices } from './introspection/issuers/open-issuers.ts'
import { recentRevocations } from './introspection/recent-revocations.ts'
import { degradations } from './operations/degradations.ts'
import type { EventLog } from './operations/event-log.ts'
import type { Log } from './operations/log.ts'
import type { Metrics } from './operations/metrics.ts'
import type { Prepared } from './prepare.ts'
import { receive } from './receive.ts'
import type { Serving } from './receive.ts'
import { snapshotOf } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'
import type { KeyRing } from './tokens/key-ring.ts'
import { openKeys } from './tokens/open-keys.ts'
import { REVOCATIONS } from './tokens/revoke-token.ts'

/** Everything in one process that serves requests, from the first configuration to the last connection. */
export interface DataPlane {
  readonly snapshot: Snapshot
  /** See `TlsListener.listen`. */
  listen(port?: number): Promise<number>
  /** Opens what another configuration needs and what may fail. Nothing is swapped yet. */
  ready(prepared: Prepared): Promise<Next>
  /** Serves by it from the next request on. @param ticketKeys see `TlsListener.setTicketKeys` */
  swap(next: Next, ticketKeys?: Buffer): void
  setTicketKeys(keys: Buffer): void
  /** When the certificate of the listener ends. */
  readonly expires: Date
  /** What works only from memory, for the operator. */
  degradations(): readonly string[]
  /** Takes no new connections, lets requests end. @returns whether all did within so many milliseconds */
  drain(milliseconds: number): Promise<boolean>
  /** Lets go of all but the store, which is whose who opened it. */
  close(): Promise<void>
}

/** A configuration that could serve. */
export interface Next {
  readonly prepared: Prepared
  readonly keyRing: KeyRing
}

export interface DataPlaneServices {
  readonly log: Log
  readonly events: EventLog
  readonly metrics: Metrics
  readonly store: StateStore
  /** Where wrong secrets are counted. */
  readonly guesses: GuessCounts
  /** How many processes share the work. */
  readonly processes: number
  /** Look at the files of CRLs without being told. */
  readonly watch: boolean
}

/** What serves requests, and what it was made from. */
interface Current extends Serving, Next {
  readonly issuers: Issuers
}

/** As long as any answer may be remembered; when more revocations come, the memory begins anew. */
const REMEMBERED_REVOCATIONS = {
  lifetime: 3_600_000,
  entries: 50_000,
  clock: () => performance.now(),
}

/** Milliseconds between two looks at the files of CRLs. */
const CRL_POLL = 2000
/** The part of a plugin's time after which what it asks about a certificate waits for nothing more. */
const TRUST_PATIENCE = 0.8

/** Milliseconds that upstreams stay after a reload for requests which were judged by it and are still to be sent. */
const RETIREMENT = 10_000

/** Puts together what serves requests. It does not listen yet. @throws when the store or its keys fail */
export async function openDataPlane(
  first: Prepared,
  services: DataPlaneServices,
): Promise<DataPlane> {
  const { log, events, metrics, store } = services
  const revoked = recentRevocations(REMEMBERED_REVOCATIONS)
  store.onConnection?.(revoked.connected)
  const cache = introspectionCache(first.settings.introspection.cache, revoked)
  metrics.showIntrospection(cache.figures)
  const issuerServices: IssuerServices = {
    clock: () => performance.now(),
    onCall: metrics.issuerAsked,
    onChange: events.issuer,
  }
  const upstreamReports: UpstreamReports = {
    onChange: events.upstreamTarget,
    onFailure: metrics.upstreamFailed,
    onRetry: metrics.upstreamRetried,
  }
  const trust = createTrustService({
    patience: first.settings.plugins.timeLimit * TRUST_PATIENCE,
    ...(services.watch && { pollFiles: CRL_POLL }),
    report: events.revocationSource,
  })
  const brake = guessBrake({
    counts: services.guesses,
    processes: services.processes,
    now: () => Date.now(),
    sleep,
    onSuspicion: events.guessing,
  })

  const ready = async (prepared: Prepared): Promise<Next> => {
    const { signingKeys, settings } = prepared
    return { prepared, keyRing: await openKeys(signingKeys, settings, store, events.keysStay) }
  }
  const compose = ({ prepared, keyRing }: Next, before?: Current): Current => {
    const issuers = openIssuers(prepared.settings.issuers, issuerServices, before?.issuers)
    const trusted = trust.use(prepared.trust)
    prepared.signer.use(() => keyRing.current)
    const snapshot = snapshotOf(prepared, { store, keyRing, cache, issuers, trust: trusted, brake })
    const app = createApp(snapshot, { log, metrics, revoked })
    const upstreams = openUpstreams(prepared.settings, upstreamReports, before?.upstreams)
    return { prepared, keyRing, snapshot, app, issuers, upstreams }
  }
  const start = async () => {
    // Before the first answer is remembered: none of them may miss its revocation.
    await store.subscribe(REVOCATIONS, revoked.add)
    return compose(await ready(first))
  }
  let current = await start().catch(async (error: unknown) => {
    await trust.close()
    throw error
  })
  const upgrades = openUpgrades(() => current, { log, metrics, revoked })
  const handlers = receive(() => current, { log, metrics, revoked }, upgrades)
  metrics.showUpstreams(() => current.upstreams.figures())
  const listener = tlsListener(first.settings.listen, tlsMaterial(first), handlers)
  const retired = new Set<Upstreams>()
  const retire = (upstreams: Upstreams) => {
    retired.add(upstreams)
    setTimeout(() => {
      if (retired.delete(upstreams)) void upstreams.close()
    }, RETIREMENT).unref()
  }

  return {
    get snapshot() {
      return current.snapshot
    },
    get expires() {
      return current.prepared.listenerCertificate.notAfter
    },
    listen: listener.listen,
    ready,
    swap(next, ticketKeys) {
      const before = current
      const after = compose(next, before)
      listener.update(tlsMaterial(next.prepared))
      if (ticketKeys) listener.setTicketKeys(ticketKeys)
      current = after
      if (after.upstreams !== before.upstreams) retire(before.upstreams)
      if (after.issuers !== before.issuers) void before.issuers.close()
      before.keyRing.close()
    },
    setTicketKeys: listener.setTicketKeys,
    degradations: () =>
      degradations(revoked.deafSince !== undefined, current.issuers.all, current.upstreams.down()),
    drain(milliseconds) {
      upgrades.stop(milliseconds)
      return listener.drain(milliseconds)
    },
    async close() {
      current.keyRing.close()
      await Promise.all([current.upstreams, ...retired].map((upstreams) => upstreams.close(0)))
      retired.clear()
      await current.issuers.close()
      await trust.close()
    },
  }
}

function tlsMaterial({ listenerCertificate: { certificate, key } }: Prepared): TlsMaterial {
  return { certificate, key }
}
