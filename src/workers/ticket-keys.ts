import { randomBytes } from 'node:crypto'

/** The keys that TLS session tickets are sealed with, in base64. */
export interface TicketKeys {
  readonly present: string
  /** Makes others: tickets of before resume nothing any more. @returns them */
  renew(): string
  close(): void
}

const LENGTH = 48
/** Whoever gets hold of a key can read what TLS 1.2 resumed with it. */
const INTERVAL = 12 * 3_600_000

/** @param onChange told when they were renewed because they were old */
export function ticketKeys(onChange: (keys: string) => void): TicketKeys {
  const make = () => randomBytes(LENGTH).toString('base64')
  let present = make()
  const renew = () => (present = make())
  const timer = setInterval(() => {
    onChange(renew())
  }, INTERVAL).unref()
  return {
    get present() {
      return present
    },
    renew,
    close() {
      clearInterval(timer)
    },
  }
}
