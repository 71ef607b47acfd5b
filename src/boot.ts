import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import { begin } from './begin.ts'
import type { Beginning, BootOptions, Service } from './begin.ts'
import { countsIn } from './client-authentication/guess-counts.ts'
import { openDataPlane } from './data-plane.ts'
import { openStore } from './open-store.ts'
import { createMetrics } from './operations/metrics.ts'
import { operationsServer } from './operations/operations-server.ts'
import { readiness } from './operations/readiness.ts'
import { openReloads } from './reloads.ts'
import type { Snapshot } from './snapshot.ts'

/** A sidecar in this process. */
export interface Sidecar extends Service {
  readonly snapshot: Snapshot
}

/**
 * The composition root of a sidecar that is one process: configuration → parts → servers that listen.
 * @throws ConfigError with every fault; the system's error when an address cannot be had
 */
export async function boot(options: BootOptions): Promise<Sidecar> {
  return bootHere(await begin(options))
}

/** `boot`, with the configuration loaded. */
export async function bootHere(beginning: Beginning): Promise<Sidecar> {
  const { first, log, events } = beginning
  const metrics = createMetrics(beginning.version)
  const store = await openStore(first, log)
  const guesses = countsIn(store, () => Date.now())
  const services = { log, events, metrics, store, guesses, watch: beginning.watch, processes: 1 }
  const plane = await openDataPlane(first, services).catch(async (error: unknown) => {
    await store.close()
    throw error
  })
  let stopping = false
  const reloads = openReloads({
    ...beginning,
    metrics,
    apply: async (prepared) => {
      plane.swap(await plane.ready(prepared))
    },
  })
  const operations = operationsServer(
    () =>
      readiness({
        stopping,
        serving: true,
        expires: plane.expires,
        reloadFailed: reloads.failed,
        details: plane.degradations(),
      }),
    metrics,
  )
  const closeAll = async () => {
    operations.close()
    await plane.close()
    await store.close()
  }
  const listen = async () => {
    const port = await plane.listen()
    const { host, port: operationsPort } = first.settings.operations
    operations.listen(operationsPort, host)
    await once(operations, 'listening')
    return { port, operationsPort: (operations.address() as AddressInfo).port }
  }
  const ports = await listen().catch(async (error: unknown) => {
    await reloads.close()
    await plane.drain(0)
    await closeAll()
    throw error
  })
  return {
    ...ports,
    get snapshot() {
      return plane.snapshot
    },
    reload: reloads.reload,
    async stop() {
      stopping = true
      await reloads.close()
      const drained = await plane.drain(first.settings.listen.drainTimeout)
      await closeAll()
      return drained
    },
  }
}
