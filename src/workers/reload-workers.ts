import { EndedError } from './dialogue.ts'
import { localError } from './local-error.ts'
import type { Serving } from './worker-pool.ts'

/** Milliseconds for loading everything anew. */
const PATIENCE = 60_000

/**
 * Has all workers serve by the files as they are now, or none of them: first all load, then all swap.
 * @param configuration what the primary read, see `Loaded`
 * @param ticketKeys base64
 * @throws why one of them cannot; all go on as they were
 */
export async function reloadWorkers(
  serving: readonly Serving[],
  configuration: string,
  ticketKeys: () => string,
): Promise<void> {
  const faults = await Promise.all(serving.map((one) => faultOf(one, configuration)))
  const fault = faults.find((one) => one !== undefined)
  if (fault !== undefined) {
    for (const { worker } of serving) worker.tell('discard')
    throw fault
  }
  const keys = ticketKeys()
  await Promise.all(
    serving.map(async (one) => {
      try {
        await one.worker.ask(PATIENCE, 'swap', keys)
        one.configuration = configuration
      } catch {
        // It said that it could. What replaces it begins with what the others have.
        one.worker.kill()
      }
    }),
  )
}

async function faultOf({ number, worker }: Serving, wanted: string): Promise<unknown> {
  try {
    const { configuration } = await worker.ask(PATIENCE, 'ready')
    if (configuration === wanted) return undefined
    return new Error('the files have changed while they were read')
  } catch (error) {
    // What replaces it reads the files as they are then.
    if (error instanceof EndedError) return undefined
    const local = localError(error)
    if (local instanceof Error && !('faults' in local)) {
      local.message = `worker ${number}: ${local.message}`
    }
    return local
  }
}
