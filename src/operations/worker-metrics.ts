import { AggregatorRegistry, Counter, Gauge, Registry } from 'prom-client'

import type { Figures, Metrics, RenderedMetrics } from './metrics.ts'

/** How workers are. `silent`: it did not answer when it was asked last. */
export type WorkerState = 'serving' | 'starting' | 'silent'

/** The metrics of all workers, added up. */
export interface WorkerMetrics {
  /** What a worker, of whatever process, counted until now. */
  seen(worker: object, figures: Figures): void
  /** A worker has ended. What it counted until it was seen last goes on counting. */
  ended(worker: object): void
  render(): Promise<RenderedMetrics>
}

/** Counters only go up; what is measured ends with who measures. */
const LASTING = new Set(['counter', 'histogram', 'summary'])

/**
 * @param own those of the primary
 * @param states how many workers are how, now
 */
export function workerMetrics(
  own: Pick<Metrics, 'figures'>,
  states: () => Readonly<Record<WorkerState, number>>,
): WorkerMetrics {
  const ofWorkers = new Registry()
  const workers: Gauge = new Gauge({
    name: 'vouchgate_workers',
    help: 'Worker processes, by how they are.',
    labelNames: ['state'] as const,
    registers: [],
    collect() {
      for (const [state, count] of Object.entries(states())) workers.set({ state }, count)
    },
  })
  ofWorkers.registerMetric(workers)
  const ends = new Counter({
    name: 'vouchgate_worker_ends_total',
    help: 'Worker processes that ended without being told to.',
    registers: [ofWorkers],
  })
  const last = new Map<object, Figures>()
  let past: Promise<Figures> = Promise.resolve([])

  return {
    seen(worker, figures) {
      last.set(worker, figures)
    },
    ended(worker) {
      ends.inc()
      const counted = last.get(worker)?.filter(({ type }) => LASTING.has(String(type)))
      last.delete(worker)
      if (!counted) return
      past = past.then((before) =>
        AggregatorRegistry.aggregate([before, counted]).getMetricsAsJSON(),
      )
    },
    async render() {
      const parts = [await own.figures(), await ofWorkers.getMetricsAsJSON(), await past]
      const all = AggregatorRegistry.aggregate([...parts, ...last.values()])
      return { contentType: all.contentType, text: await all.metrics() }
    },
  }
}
