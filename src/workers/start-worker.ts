import cluster from 'node:cluster'

import { closeUntaken } from './close-untaken.ts'
import { dialogue } from './dialogue.ts'
import type { Dialogue } from './dialogue.ts'
import { WORKER_ARGUMENT } from './worker-argument.ts'
import type { PrimaryServices, WorkerServices } from './worker-services.ts'

/** A worker, as the primary sees it. */
export interface Worker extends Dialogue<WorkerServices> {
  readonly pid: number
  /** How its process ended. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: string | null }>
  /** Ends it here and now. */
  kill(): void
}

/**
 * Starts the process of a worker. Node hands it the connections that this process accepts, one worker after the other
 * (`net.Server.listen` in a worker of node:cluster), and reads nothing of them here.
 */
export function startWorker(services: PrimaryServices): Worker {
  cluster.schedulingPolicy = cluster.SCHED_RR
  // The program that runs here, so that a worker is started by the same launcher. All have the same arguments: TLS
  // sessions are bound to them.
  cluster.setupPrimary({ args: [WORKER_ARGUMENT], silent: false })
  const forked = cluster.fork()
  closeUntaken(forked.process)
  const { promise: ended, resolve } = Promise.withResolvers<Awaited<Worker['ended']>>()
  const talk = dialogue<WorkerServices, PrimaryServices>(
    {
      send(message) {
        // With a callback, for without one a worker that is just gone would be an exception.
        if (forked.isConnected()) forked.send(message, () => undefined)
        return forked.isConnected()
      },
      onMessage: (listener) => forked.on('message', listener),
    },
    services,
  )
  const gone = (code: number | null, signal: string | null) => {
    talk.end(`a worker has ended: ${signal ?? `exit code ${code}`}`)
    resolve({ code, signal })
  }
  forked.on('exit', gone)
  // The process could not be made, or a message not be sent: its end, if there is one, is told by itself.
  forked.on('error', () => {
    if (forked.process.pid === undefined) gone(null, null)
  })
  return {
    ...talk,
    pid: forked.process.pid ?? 0,
    ended,
    kill: () => void forked.process.kill('SIGKILL'),
  }
}
