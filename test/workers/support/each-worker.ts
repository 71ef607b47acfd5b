import { Agent } from 'node:https'

import type { Serving } from '../../commands/support/vouchgate.ts'
import { eventually } from '../../support/eventually.ts'
import { send } from '../../support/send.ts'
import type { Received, SendOptions } from '../../support/send.ts'
import type { LogLine } from '../../support/start-sidecar.ts'
import type { Ending } from '../../support/recording-upstream.ts'

/** A connection to one worker that stays open. */
export interface WorkerConnection {
  readonly worker: number
  send(options?: SendOptions): Promise<Received>
}

/** Connections enough to meet every worker: they are handed out in turn. */
const TRIES = 20

/** Opens a connection to each of two workers, in the order of their numbers. */
export async function eachWorker(
  t: Ending,
  running: Serving,
): Promise<readonly [WorkerConnection, WorkerConnection]> {
  const found = new Map<number, WorkerConnection>()
  for (let tried = 0; tried < TRIES; tried++) {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    t.teardown(() => {
      agent.destroy()
    })
    const sendTo = (options?: SendOptions) =>
      send(running.port, running.pki.rootCa.pem, { agent, ...options })
    // oxlint-disable-next-line no-await-in-loop -- one after the other is what makes them different
    const worker = await workerOf(running, await sendTo({ path: '/who' }))
    found.set(worker, { worker, send: sendTo })
    const [one, other] = [found.get(1), found.get(2)]
    if (one && other) return [one, other]
  }
  throw new Error(`met only ${[...found.keys()].join()}`)
}

/** The log line of the request that was refused with this answer. */
export function refusalOf(running: Serving, answer: Received): Promise<LogLine> {
  const id = answer.headers['x-request-id']
  return eventually(() =>
    running.log.find((line) => line.event === 'request.refused' && line['requestId'] === id),
  )
}

/** The number of the worker that refused this. */
export async function workerOf(running: Serving, answer: Received): Promise<number> {
  return Number((await refusalOf(running, answer))['worker'])
}
