import { watchFiles } from './config/watch-files.ts'
import type { LoadConfiguration } from './load-configuration.ts'
import type { EventLog } from './operations/event-log.ts'
import { warnOfRestart } from './operations/log-configuration.ts'
import type { Log } from './operations/log.ts'
import type { Metrics } from './operations/metrics.ts'
import type { Prepared } from './prepare.ts'

/** Loads the configuration anew, one time after the other. */
export interface Reloads {
  /** The last one failed: what is there is older than the files. */
  readonly failed: boolean
  /** @returns whether it succeeded */
  reload(): Promise<boolean>
  /** Watches no longer, and waits for the one under way. */
  close(): Promise<void>
}

export interface ReloadOptions {
  readonly first: Prepared
  /** Reload when a file changes. */
  readonly watch: boolean
  readonly log: Log
  readonly events: EventLog
  readonly metrics: Metrics
  readonly load: LoadConfiguration
  /** Serves by it from now on, or throws and changes nothing. */
  apply(prepared: Prepared): Promise<void>
}

/** Begins to watch the files of the configuration, if that is wanted. */
export function openReloads(options: ReloadOptions): Reloads {
  const { first, log, events, metrics, load, apply } = options
  // Not all that was prepared: what serves holds the rest, and a hundred thousand clients need not be there twice.
  let { settings } = first
  let failed = false
  let closed = false
  const reload = async (): Promise<boolean> => {
    try {
      const prepared = await load()
      await apply(prepared)
      warnOfRestart(log, settings, prepared.settings)
      settings = prepared.settings
      if (!closed) watcher?.watch(prepared.watched, prepared.begun)
      failed = false
      metrics.reloaded('success')
      log.info({ clients: prepared.clients.length }, 'config.reloaded')
      return true
    } catch (error) {
      failed = true
      metrics.reloaded('failure')
      events.reloadFailed(error)
      return false
    }
  }
  let pending = Promise.resolve(true)
  const inTurn = () => (pending = pending.then(reload))
  const watcher = options.watch ? watchFiles(() => void inTurn()) : undefined
  watcher?.watch(first.watched, first.begun)
  return {
    get failed() {
      return failed
    },
    reload: inTurn,
    async close() {
      closed = true
      watcher?.close()
      await pending
    },
  }
}
