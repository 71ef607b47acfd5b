import { countsIn } from '../client-authentication/guess-counts.ts'
import { fingerprintOf } from '../config/file-contents.ts'
import { openDataPlane } from '../data-plane.ts'
import type { DataPlane, Next } from '../data-plane.ts'
import { ConfigError } from '../errors.ts'
import { openStore } from '../open-store.ts'
import { eventLog } from '../operations/event-log.ts'
import { createLog } from '../operations/log.ts'
import { createMetrics } from '../operations/metrics.ts'
import type { Metrics } from '../operations/metrics.ts'
import { prepare } from '../prepare.ts'
import type { Prepared } from '../prepare.ts'
import { dialogue } from './dialogue.ts'
import type { Wire } from './dialogue.ts'
import { shareOf } from './share-of.ts'
import type { Assignment, PrimaryServices, WorkerServices } from './worker-services.ts'
import { remoteStore } from './remote-store.ts'
import type { RemoteStore } from './remote-store.ts'

/** A worker, as its process sees it. */
export interface ServingWorker {
  /** The primary is gone: lets the requests under way end, then ends. */
  abandoned(): Promise<void>
}

/** What there is once the worker has begun. */
interface Begun {
  readonly plane: DataPlane
  readonly metrics: Metrics
  readonly load: () => Promise<Prepared>
  readonly drainTimeout: number
  closeStore(): Promise<void>
}

/**
 * Serves what the primary says, and asks it for the state.
 * @param leave ends the process
 */
export function serveAsWorker(wire: Wire, leave: () => void): ServingWorker {
  let begun: Begun | undefined
  let remote: RemoteStore | undefined
  let next: Next | undefined
  let stopping: Promise<boolean> | undefined

  const worker = (): Begun => {
    if (!begun) throw new Error('the worker has not begun')
    return begun
  }
  const begin = async (assignment: Assignment): Promise<Begun> => {
    const { version, watch, processes } = assignment
    const log = createLog('info', undefined, { worker: assignment.number })
    const events = eventLog(log)
    const load = async () => {
      // What there is to say of it the primary has said.
      const { prepared, faults } = await prepare({
        ...assignment,
        log: events.plugin,
        now: new Date(),
      })
      if (!prepared) throw new ConfigError(faults)
      log.level = prepared.settings.log.level
      return shareOf(prepared, processes)
    }
    const first = await load()
    remote = remoteStore(primary, { durable: assignment.durableStore })
    const store = assignment.sharedStore ? await openStore(first, log) : remote.store
    const guesses = assignment.sharedStore ? countsIn(store, () => Date.now()) : remote.guesses
    const metrics = createMetrics(version)
    const services = { log, events, metrics, store, guesses, processes, watch }
    const plane = await openDataPlane(first, services)
    const { drainTimeout } = first.settings.listen
    configuration = fingerprintOf(first.watched)
    return { plane, metrics, load, drainTimeout, closeStore: () => store.close() }
  }
  let configuration = ''
  const discard = () => {
    next?.keyRing.close()
    next = undefined
  }
  const stop = async () => {
    discard()
    if (!begun) return true
    const drained = await begun.plane.drain(begun.drainTimeout)
    await begun.plane.close()
    await begun.closeStore()
    return drained
  }

  const services: WorkerServices = {
    async begin(assignment) {
      begun = await begin(assignment)
      return { configuration }
    },
    async listen(port, ticketKeys) {
      const { plane } = worker()
      const heard = await plane.listen(port)
      // Node has just set those that the first of all workers once had.
      plane.setTicketKeys(Buffer.from(ticketKeys, 'base64'))
      return heard
    },
    async ready() {
      const { load, plane } = worker()
      discard()
      const prepared = await load()
      next = await plane.ready(prepared)
      return { configuration: fingerprintOf(prepared.watched) }
    },
    swap(ticketKeys) {
      if (!next) throw new Error('nothing is ready')
      worker().plane.swap(next, Buffer.from(ticketKeys, 'base64'))
      next = undefined
    },
    discard,
    setTicketKeys(ticketKeys) {
      worker().plane.setTicketKeys(Buffer.from(ticketKeys, 'base64'))
    },
    heard: (channel, message) => remote?.heard(channel, message),
    connected: (isThere) => remote?.connected(isThere),
    pulse: () => worker().plane.degradations(),
    figures: () => worker().metrics.figures(),
    async stop() {
      const drained = await (stopping ??= stop())
      // After the answer, which still has to go out.
      setImmediate(leave)
      return drained
    },
  }
  const primary = dialogue<PrimaryServices, WorkerServices>(wire, services)
  return {
    async abandoned() {
      primary.end('the primary process is gone')
      await (stopping ??= stop()).catch(() => false)
      leave()
    },
  }
}
