import { pino } from 'pino'
import type { DestinationStream, Logger } from 'pino'

export type Log = Logger

/**
 * One JSON line an event, to standard output. What goes in is data already free of secrets.
 * @param about stands in every line
 */
export function createLog(
  level: string,
  destination?: DestinationStream,
  about?: Readonly<Record<string, unknown>>,
): Log {
  const options = {
    level,
    base: about ?? null,
    messageKey: 'event',
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
  }
  return destination ? pino(options, destination) : pino(options)
}
