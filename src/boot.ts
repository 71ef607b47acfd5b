import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

import { createApp } from './app.ts'
import { createTrustService } from './certificates/trust/trust-service.ts'
import { guessBrake } from './client-authentication/guess-brake.ts'
import { watchFiles } from './config/watch-files.ts'
import { ConfigError } from './errors.ts'
import { openUpstreams } from './gateway/upstreams/open-upstreams.ts'
import { tlsListener } from './http/tls-listener.ts'
import type { TlsMaterial } from './http/tls-listener.ts'
import { introspectionCache } from './introspection/introspection-cache.ts'
import { openIssuers } from './introspection/issuers/open-issuers.ts'
import type { Issuers, IssuerServices } from './introspection/issuers/open-issuers.ts'
import { recentRevocations } from './introspection/recent-revocations.ts'
import { degradations } from './operations/degradations.ts'
import {
  logFaults,
  pluginLogger,
  warnOfLocalState,
  warnOfRestart,
} from './operations/log-configuration.ts'
import { eventLog } from './operations/event-log.ts'
import type { Log } from './operations/log.ts'
import { createMetrics } from './operations/metrics.ts'
import { operationsServer } from './operations/operations-server.ts'
import { prepare } from './prepare.ts'
import type { Prepared, PrepareOptions } from './prepare.ts'
import { receive } from './receive.ts'
import type { Serving } from './receive.ts'
import { snapshotOf } from './snapshot.ts'
import type { Snapshot } from './snapshot.ts'
import { openKeys } from './tokens/open-keys.ts'
import { REVOCATIONS } from './tokens/revoke-token.ts'

export interface BootOptions extends Omit<PrepareOptions, 'log' | 'now'> {
  readonly log: Log
  readonly version: string
  /** Reload when a file changes. */
  readonly watch: boolean
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

/** A running sidecar. */
export interface Sidecar {
  readonly port: number
  readonly operationsPort: number
  readonly snapshot: Snapshot
  /** Builds a new snapshot and swaps it in if it is sound. @returns whether it was */
  reload(): Promise<boolean>
  /** Stops taking requests, lets those under way end. @returns whether all did in time */
  stop(): Promise<boolean>
}

/** What serves requests, and what it was made from. */
interface Current extends Serving {
  readonly prepared: Prepared
  readonly issuers: Issuers
}

/**
 * The composition root: configuration → parts → servers that listen.
 * @throws ConfigError with every fault; the system's error when an address cannot be had
 */
export async function boot(options: BootOptions): Promise<Sidecar> {
  const { log } = options
  const metrics = createMetrics(options.version)
  const revoked = recentRevocations(REMEMBERED_REVOCATIONS)
  const services = { log, metrics, revoked }
  const events = eventLog(log)
  const logPlugins = pluginLogger()
  const attempt = async () => {
    const { prepared, faults } = await prepare({ ...options, log: events.plugin, now: new Date() })
    if (!prepared) throw new ConfigError(faults)
    log.level = prepared.settings.log.level
    logFaults(log, faults)
    logPlugins(log, prepared.plugins.all)
    return prepared
  }

  const first = await attempt()
  const opened = await first.plugins.use(first.state)
  if ('message' in opened) throw new ConfigError([opened])
  const store = opened.part
  warnOfLocalState(log, opened)
  store.onConnection?.(revoked.connected)
  const cache = introspectionCache(first.settings.introspection.cache, revoked)
  metrics.showIntrospection(cache.figures)
  const issuerServices: IssuerServices = {
    clock: () => performance.now(),
    onCall: metrics.issuerAsked,
    onChange: events.issuer,
  }

  const trust = createTrustService({
    patience: first.settings.plugins.timeLimit * TRUST_PATIENCE,
    ...(options.watch && { pollFiles: CRL_POLL }),
    report: events.revocationSource,
  })

  const brake = guessBrake({
    store,
    now: () => Date.now(),
    sleep,
    onSuspicion: events.guessing,
  })
  const serve = async (prepared: Prepared, before?: Current): Promise<Current> => {
    const { signingKeys, settings } = prepared
    const keyRing = await openKeys(signingKeys, settings, store, events.keysStay)
    const issuers = openIssuers(prepared.settings.issuers, issuerServices, before?.issuers)
    const trusted = trust.use(prepared.trust)
    prepared.signer.use(() => keyRing.current)
    const snapshot = snapshotOf(prepared, { store, keyRing, cache, issuers, trust: trusted, brake })
    const app = createApp(snapshot, services)
    const upstreams = openUpstreams(prepared.settings, before?.upstreams)
    return { prepared, snapshot, app, issuers, upstreams }
  }
  const start = async () => {
    // Before the first answer is remembered: none of them may miss its revocation.
    await store.subscribe(REVOCATIONS, revoked.add)
    return serve(first)
  }
  let current = await start().catch(async (error: unknown) => {
    await trust.close()
    await store.close()
    throw error
  })
  let lastReloadFailed = false
  let stopping = false

  const onRequest = receive(() => current, services)
  const listener = tlsListener(first.settings.listen, tlsMaterial(first), onRequest)
  const operations = operationsServer(() => {
    const expired = current.prepared.listenerCertificate.notAfter <= new Date()
    return {
      ready: !stopping && !expired,
      details: [
        ...(stopping ? ['stopping'] : []),
        ...(expired ? ['the listener certificate has expired'] : []),
        ...degradations(revoked.deafSince !== undefined, current.issuers.all),
        ...(lastReloadFailed ? ['the last reload failed; an older configuration is serving'] : []),
      ],
    }
  }, metrics)

  const closeAll = async () => {
    operations.close()
    current.snapshot.keyRing.close()
    await current.upstreams.close(0)
    await current.issuers.close()
    await trust.close()
    await store.close()
  }
  let port: number
  try {
    port = await listener.listen()
    const { host, port: operationsPort } = first.settings.operations
    operations.listen(operationsPort, host)
    await once(operations, 'listening')
  } catch (error) {
    await listener.drain(0)
    await closeAll()
    throw error
  }

  const reload = async (): Promise<boolean> => {
    try {
      const prepared = await attempt()
      const before = current
      const next = await serve(prepared, before)
      listener.update(tlsMaterial(prepared))
      current = next
      if (current.upstreams !== before.upstreams) void before.upstreams.close()
      if (current.issuers !== before.issuers) void before.issuers.close()
      before.snapshot.keyRing.close()
      warnOfRestart(log, before.prepared, prepared)
      if (!stopping) watcher?.watch(prepared.watched, prepared.begun)
      lastReloadFailed = false
      metrics.reloaded('success')
      log.info({ clients: prepared.clients.length }, 'config.reloaded')
      return true
    } catch (error) {
      lastReloadFailed = true
      metrics.reloaded('failure')
      events.reloadFailed(error)
      return false
    }
  }
  let pending = Promise.resolve(true)
  const reloadInTurn = () => (pending = pending.then(reload))
  const watcher = options.watch ? watchFiles(() => void reloadInTurn()) : undefined
  watcher?.watch(first.watched, first.begun)
  return {
    port,
    operationsPort: (operations.address() as AddressInfo).port,
    get snapshot() {
      return current.snapshot
    },
    reload: reloadInTurn,
    async stop() {
      stopping = true
      watcher?.close()
      await pending
      const drained = await listener.drain(first.settings.listen.drainTimeout)
      await closeAll()
      return drained
    },
  }
}

function tlsMaterial({ listenerCertificate: { certificate, key } }: Prepared): TlsMaterial {
  return { certificate, key }
}
