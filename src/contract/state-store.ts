/**
 * What must outlive a request: keys, claims, counters, revocations.
 * Values are text. `until` is wall-clock time; a value is gone after it.
 * Every call rejects when the store cannot answer: the caller refuses then.
 */
export interface StateStore {
  /** Several processes see the same values. */
  readonly shared: boolean
  /** Values survive a restart. */
  readonly durable: boolean
  get(key: string): Promise<string | undefined>
  set(key: string, value: string, until?: Date): Promise<void>
  /** Sets the value if the key is absent, atomically. @returns whether it did. */
  add(key: string, value: string, until?: Date): Promise<boolean>
  delete(key: string): Promise<void>
  /** Adds one to a counter, atomically; `until` counts from the first. @returns the new count. */
  increment(key: string, until: Date): Promise<number>
  /** Tells every subscriber of the channel, on every replica when the store is shared. */
  publish(channel: string, message: string): Promise<void>
  /** @returns a function that ends the subscription. */
  subscribe(channel: string, listener: (message: string) => void): Promise<() => Promise<void>>
  /**
   * For a store that can lose its connection. The listener is told `false` when calls fail or messages may be missed
   * from now on, and `true` when both work again: what was published in between is lost.
   */
  onConnection?(listener: (connected: boolean) => void): void
  close(): Promise<void>
}
