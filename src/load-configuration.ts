import { ConfigError } from './errors.ts'
import { logFaults, pluginLogger } from './operations/log-configuration.ts'
import type { Log } from './operations/log.ts'
import type { EventLog } from './operations/event-log.ts'
import { prepare } from './prepare.ts'
import type { Prepared, PrepareOptions } from './prepare.ts'

/** What outlives the first loading: where to look, and where to say what was found. */
export interface Loading extends Omit<PrepareOptions, 'log' | 'now'> {
  readonly log: Log
  readonly events: EventLog
}

/** Loads the configuration as it is now. Rejects with a ConfigError that has every fault. */
export type LoadConfiguration = () => Promise<Prepared>

/** Makes what loads the configuration, says in the log what it found, and sets the log's level. */
export function configurationLoader(loading: Loading): LoadConfiguration {
  const { log, events } = loading
  const logPlugins = pluginLogger()
  return async () => {
    const { prepared, faults } = await prepare({ ...loading, log: events.plugin, now: new Date() })
    if (!prepared) throw new ConfigError(faults)
    log.level = prepared.settings.log.level
    logFaults(log, faults)
    logPlugins(log, prepared.plugins.all)
    return prepared
  }
}
