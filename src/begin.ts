import { configurationLoader } from './load-configuration.ts'
import type { LoadConfiguration } from './load-configuration.ts'
import { eventLog } from './operations/event-log.ts'
import type { EventLog } from './operations/event-log.ts'
import type { Log } from './operations/log.ts'
import type { Prepared, PrepareOptions } from './prepare.ts'

export interface BootOptions extends Omit<PrepareOptions, 'log' | 'now'> {
  readonly log: Log
  readonly version: string
  /** Reload when a file changes. */
  readonly watch: boolean
}

/** What is there before anything is opened. */
export interface Beginning extends BootOptions {
  readonly events: EventLog
  readonly load: LoadConfiguration
  readonly first: Prepared
}

/** A running sidecar, of one process or several. */
export interface Service {
  readonly port: number
  readonly operationsPort: number
  /** Loads the configuration anew and serves by it if it is sound. @returns whether it was */
  reload(): Promise<boolean>
  /** Stops taking requests, lets those under way end. @returns whether all did in time */
  stop(): Promise<boolean>
}

/** Loads the configuration for the first time. @throws ConfigError with every fault */
export async function begin(options: BootOptions): Promise<Beginning> {
  const events = eventLog(options.log)
  const load = configurationLoader({ ...options, events })
  return { ...options, events, load, first: await load() }
}
