import type { SettingsSource } from '../config/read-settings.ts'
import type { Figures } from '../operations/metrics.ts'

/** What a worker begins with. */
export interface Assignment {
  /** From 1; whoever replaces a worker has its number. */
  readonly number: number
  /** How many workers there are. */
  readonly processes: number
  readonly source: Omit<SettingsSource, 'onFile'>
  readonly builtIn: string
  readonly cwd: string
  readonly version: string
  readonly watch: boolean
  /** The state store is that of all replicas: the worker opens it itself. */
  readonly sharedStore: boolean
  readonly durableStore: boolean
}

/** What a worker made of the files: equal where everything that was read is equal. */
export interface Loaded {
  readonly configuration: string
}

/** What the primary asks of a worker. */
export interface WorkerServices {
  /** Loads the configuration and opens everything; does not listen yet. */
  begin(assignment: Assignment): Promise<Loaded>
  /** @param ticketKeys base64 @returns the port */
  listen(port: number, ticketKeys: string): Promise<number>
  /** Loads the configuration anew; what serves is not touched. */
  ready(): Promise<Loaded>
  /** Serves by what `ready` loaded. @param ticketKeys base64 */
  swap(ticketKeys: string): void
  /** Drops what `ready` loaded. */
  discard(): void
  /** @param ticketKeys base64 */
  setTicketKeys(ticketKeys: string): void
  /** A message of the state store. */
  heard(channel: string, message: string): void
  /** The primary's state store has lost, or found, its connection. */
  connected(isThere: boolean): void
  /** Shows that it lives. @returns what works only from memory */
  pulse(): readonly string[]
  figures(): Promise<Figures>
  /** @returns whether all requests ended in time */
  stop(): Promise<boolean>
}

/** What a worker asks of the primary. Times are milliseconds since 1970. */
export interface PrimaryServices {
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, until: number | null): Promise<void>
  add(key: string, value: string, until: number | null): Promise<boolean>
  delete(key: string): Promise<void>
  increment(key: string, until: number): Promise<number>
  publish(channel: string, message: string): Promise<void>
  subscribe(channel: string): Promise<void>
  unsubscribe(channel: string): Promise<void>
  /** Counts a wrong secret. */
  count(key: string, until: number): number | Promise<number>
}
