import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import type { Beginning, Service } from '../begin.ts'
import { countsHere } from '../client-authentication/guess-counts.ts'
import { fingerprintOf } from '../config/file-contents.ts'
import { openStore } from '../open-store.ts'
import { createMetrics } from '../operations/metrics.ts'
import { operationsServer } from '../operations/operations-server.ts'
import { readiness } from '../operations/readiness.ts'
import type { Prepared } from '../prepare.ts'
import { openReloads } from '../reloads.ts'
import { countWorkers } from './count-workers.ts'
import { localError } from './local-error.ts'
import { reloadWorkers } from './reload-workers.ts'
import { storeServices } from './store-services.ts'
import { ticketKeys } from './ticket-keys.ts'
import { workerPool } from './worker-pool.ts'

/** Milliseconds between two looks whether all workers serve by the same configuration. */
const ALIGN = 1000
/** Milliseconds beside the time that requests have to end. */
const STOP_MARGIN = 10_000

/**
 * The composition root of the process that serves nothing itself: it has the state, the operations server, the watch
 * over the files, and workers that serve.
 * @throws ConfigError with every fault; the system's error when an address cannot be had
 */
export async function bootWorkers(beginning: Beginning): Promise<Service> {
  const { first, log, version, builtIn, cwd, watch } = beginning
  const { onFile: _, ...source } = beginning.source
  const { workers: size, listen, operations: address } = first.settings
  const metrics = createMetrics(version)
  const store = await openStore(first, log)
  const { shared: sharedStore, durable: durableStore } = store
  // Each worker has a connection of its own then: one process less on the way of every question.
  if (sharedStore) await store.close()
  const guesses = countsHere(() => Date.now())

  let current = summaryOf(first)
  let isConnected = true
  let stopping = false
  const tickets = ticketKeys((keys) => {
    for (const { worker } of pool.serving) worker.tell('setTicketKeys', keys)
  })
  const count = countWorkers(() => pool, metrics)
  const pool = workerPool({
    size,
    port: listen.port,
    log,
    assignment: { source, builtIn, cwd, version, watch, sharedStore, durableStore },
    ticketKeys: () => tickets.present,
    receive(worker) {
      const { services, leave } = storeServices(store, guesses, (channel, message) => {
        worker().tell('heard', channel, message)
      })
      return { services, leave: () => void leave() }
    },
    onServing({ worker }) {
      // Both may have changed while it began.
      worker.tell('setTicketKeys', tickets.present)
      if (!isConnected) worker.tell('connected', false)
    },
    onEnd: count.ended,
  })
  if (!sharedStore) {
    store.onConnection?.((isThere) => {
      isConnected = isThere
      for (const { worker } of pool.serving) worker.tell('connected', isThere)
    })
  }
  const reloads = openReloads({
    ...beginning,
    metrics,
    async apply(prepared) {
      const next = summaryOf(prepared)
      await reloadWorkers(pool.serving, next.configuration, tickets.renew)
      current = next
    },
  })
  const differing = () =>
    pool.serving.filter(({ configuration }) => configuration !== current.configuration)
  let aligning: Promise<unknown> | undefined
  // A worker that took the place of another read the files later than the others did.
  const align = setInterval(() => {
    if (reloads.failed || differing().length === 0) return
    aligning ??= reloads.reload().finally(() => (aligning = undefined))
  }, ALIGN).unref()

  const operations = operationsServer(
    () =>
      readiness({
        stopping,
        serving: pool.serving.length > 0,
        expires: current.expires,
        reloadFailed: reloads.failed,
        details: [
          ...pool.details(),
          ...differing().map(({ number }) => `worker ${number} serves by another configuration`),
        ],
      }),
    count,
  )
  const stop = async (milliseconds: number) => {
    stopping = true
    clearInterval(align)
    tickets.close()
    await reloads.close()
    const drained = await pool.stop(milliseconds)
    count.close()
    operations.close()
    if (!sharedStore) await store.close()
    return drained
  }
  try {
    const port = await pool.start()
    operations.listen(address.port, address.host)
    await once(operations, 'listening')
    const { port: operationsPort } = operations.address() as AddressInfo
    return {
      port,
      operationsPort,
      reload: reloads.reload,
      stop: () => stop(listen.drainTimeout + STOP_MARGIN),
    }
  } catch (error) {
    await stop(STOP_MARGIN)
    throw localError(error)
  }
}

/** What is to be known of a configuration once the workers have it. */
function summaryOf({ watched, listenerCertificate: { notAfter } }: Prepared) {
  return { configuration: fingerprintOf(watched), expires: notAfter }
}
