import type { WorkerState } from '../operations/worker-metrics.ts'
import type { Log } from '../operations/log.ts'
import type { Assignment, PrimaryServices } from './worker-services.ts'
import { restartPace } from './restart-pace.ts'
import type { RestartPace } from './restart-pace.ts'
import { startWorker } from './start-worker.ts'
import type { Worker } from './start-worker.ts'

/** A worker that serves. */
export interface Serving {
  readonly number: number
  readonly worker: Worker
  /** By what it serves, see `Loaded`. */
  configuration: string
  /** What works only from memory, as it said last. */
  details: readonly string[]
  /** When it was asked for a sign of life that it has not given; by the clock of `performance`. */
  askedAt: number | undefined
}

/** The workers. One that ends is replaced. */
export interface WorkerPool {
  /** Starts them all. Rejects, with none left, when one of them cannot serve. @returns the port */
  start(): Promise<number>
  readonly serving: readonly Serving[]
  /** How many are how. */
  states(): Readonly<Record<WorkerState, number>>
  /** What an operator should know of them. */
  details(): readonly string[]
  /** Lets them end. @returns whether all requests ended in time */
  stop(milliseconds: number): Promise<boolean>
}

export interface WorkerPoolOptions {
  readonly size: number
  readonly port: number
  readonly log: Log
  readonly assignment: Omit<Assignment, 'number' | 'processes'>
  /** The present keys of session tickets, base64. */
  ticketKeys(): string
  /** What a new worker may ask. @returns also what to do when it is gone */
  receive(worker: () => Worker): { readonly services: PrimaryServices; leave(): void }
  onServing(serving: Serving): void
  /** A process has ended that was not told to. */
  onEnd(worker: Worker): void
}

/** One of them, through all its processes. */
interface Place {
  readonly number: number
  readonly pace: RestartPace
  worker?: Worker | undefined
  serving?: Serving | undefined
  timer?: NodeJS.Timeout
}

/** Milliseconds for loading and opening everything. */
const START = 60_000
const PULSE = 1000
/** A worker that gives no sign of life for so long would serve nobody either. */
const SILENCE = 30_000
/** For its process to end, once it has stopped. */
const LEAVE = 5000
/** One that is late is told of. */
const LATE = 3000

export function workerPool(options: WorkerPoolOptions): WorkerPool {
  const { size, log } = options
  const places = Array.from({ length: size }, (_, index): Place => {
    return { number: index + 1, pace: restartPace(() => performance.now()) }
  })
  const serving = () => places.flatMap((place) => place.serving ?? [])
  let asked = options.port
  let port: number | undefined
  let stopping = false
  let started = false
  // One after the other: two that find an address taken at the same moment would bring node:cluster down.
  let listening = Promise.resolve()
  const listen = (worker: Worker): Promise<void> => {
    const turn = async () => {
      // Once nobody listens the port is free, and any other would be as good to the system.
      if (port !== undefined && serving().length === 0) asked = port
      const got = await worker.ask(START, 'listen', asked, options.ticketKeys())
      port ??= got
      if (got !== port) throw new Error(`it listens on port ${got}, not on ${port}`)
    }
    const turned = listening.then(turn)
    listening = turned.catch(() => undefined)
    return turned
  }

  const launch = async (place: Place): Promise<void> => {
    const { services, leave } = options.receive(() => worker)
    const worker = startWorker(services)
    place.worker = worker
    void worker.ended.then((end) => {
      leave()
      place.worker = undefined
      place.serving = undefined
      if (stopping) return
      options.onEnd(worker)
      if (started) replace(place, { pid: worker.pid, ...end })
    })
    const assignment = { ...options.assignment, number: place.number, processes: size }
    try {
      const { configuration } = await worker.ask(START, 'begin', assignment)
      await listen(worker)
      const { number } = place
      place.serving = { number, worker, configuration, details: [], askedAt: undefined }
      options.onServing(place.serving)
      log.info({ worker: number, pid: worker.pid }, 'worker.serves')
    } catch (error) {
      worker.kill()
      throw error
    }
  }
  const replace = (place: Place, end: Readonly<Record<string, unknown>>) => {
    const delay = place.pace.ended()
    log.error({ worker: place.number, ...end, delay }, 'worker.ended')
    place.timer = setTimeout(() => {
      if (stopping) return
      launch(place).catch((error: unknown) => {
        const message = error instanceof Error ? error.message : 'unknown'
        if (!stopping) log.error({ worker: place.number, message }, 'worker.failed')
      })
    }, delay)
  }
  const feel = (one: Serving) => {
    if (one.askedAt !== undefined) return
    one.askedAt = performance.now()
    one.worker.ask(SILENCE, 'pulse').then(
      (details) => {
        one.askedAt = undefined
        one.details = details
      },
      () => {
        if (!stopping) one.worker.kill()
      },
    )
  }
  const pulse = setInterval(() => {
    for (const one of serving()) feel(one)
  }, PULSE).unref()
  const isLate = ({ askedAt }: Serving) =>
    askedAt !== undefined && performance.now() - askedAt > LATE

  const killAll = () => {
    for (const { worker } of places) worker?.kill()
  }
  const end = () => {
    stopping = true
    clearInterval(pulse)
    for (const { timer } of places) clearTimeout(timer)
  }
  process.on('exit', killAll)

  return {
    async start() {
      try {
        await Promise.all(places.map(launch))
        started = true
        // Ended again while the others still began.
        for (const place of places) if (!place.worker) replace(place, {})
        return port ?? 0
      } catch (error) {
        end()
        killAll()
        await Promise.all(places.map(async ({ worker }) => worker?.ended))
        process.off('exit', killAll)
        throw error
      }
    },
    get serving() {
      return serving()
    },
    states() {
      const all = serving()
      const silent = all.filter(isLate).length
      return { serving: all.length - silent, silent, starting: size - all.length }
    },
    details: () => [
      ...places.flatMap(({ number, serving: one, pace }) => {
        if (one) return isLate(one) ? [`worker ${number} does not answer`] : []
        return [
          pace.isFailing
            ? `worker ${number} ended again and again and is tried ever more slowly; see worker.ended`
            : `worker ${number} is being started`,
        ]
      }),
      ...new Set(serving().flatMap(({ details }) => details)),
    ],
    async stop(milliseconds) {
      end()
      const outcomes = places.map(async ({ worker }) => {
        if (!worker) return true
        const clean = await worker.ask(milliseconds, 'stop').catch(() => false)
        const deadline = setTimeout(worker.kill, LEAVE)
        await worker.ended
        clearTimeout(deadline)
        return clean
      })
      const drained = (await Promise.all(outcomes)).every(Boolean)
      process.off('exit', killAll)
      return drained
    },
  }
}
