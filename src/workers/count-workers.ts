import type { Metrics } from '../operations/metrics.ts'
import { workerMetrics } from '../operations/worker-metrics.ts'
import type { Worker } from './start-worker.ts'
import type { WorkerPool } from './worker-pool.ts'

/** The metrics of all workers, asked for. */
export interface WorkerCount extends Pick<Metrics, 'render'> {
  /** A worker has ended that was not told to. */
  ended(worker: Worker): void
  close(): void
}

/** Milliseconds for the figures of one worker. */
const PATIENCE = 1000
/** Milliseconds between two looks when nobody asks: what a worker counts after the last one ends with it. */
const INTERVAL = 5000

/** @param own the metrics of the primary */
export function countWorkers(pool: () => WorkerPool, own: Metrics): WorkerCount {
  const counted = workerMetrics(own, () => pool().states())
  const look = async () => {
    const looks = pool().serving.map(async ({ worker }) => {
      counted.seen(worker, await worker.ask(PATIENCE, 'figures'))
    })
    // Of one that does not answer counts what it said before.
    await Promise.allSettled(looks)
  }
  let underWay: Promise<void> | undefined
  const lookOnce = () => (underWay ??= look().finally(() => (underWay = undefined)))
  const timer = setInterval(() => void lookOnce(), INTERVAL).unref()
  return {
    ended: counted.ended,
    async render() {
      await lookOnce()
      return counted.render()
    },
    close() {
      clearInterval(timer)
    },
  }
}
