import type { Settings } from '../../config/settings-schema.ts'
import { trustedProxies } from '../trusted-proxies.ts'
import type { TrustedProxies } from '../trusted-proxies.ts'
import { readForwarded } from './read-forwarded.ts'
import { readXForwarded } from './read-x-forwarded.ts'
import type { Said } from './said-by-proxies.ts'

/** Whose word on the way of a request counts, and how we tell of it. */
export interface Forwarding {
  /** Absent: nobody's word counts. */
  readonly proxies: TrustedProxies | undefined
  /** Reads the one dialect that the proxies speak; the headers of another may be the client's own. */
  readonly read: (rawHeaders: readonly string[]) => Said
  readonly write: Settings['forwarded']['write']
}

const READERS = { 'x-forwarded': readXForwarded, forwarded: readForwarded }

/** Done once, when the settings are loaded. */
export function forwarding({ proxies, headers, write }: Settings['forwarded']): Forwarding {
  return {
    proxies: proxies.length === 0 ? undefined : trustedProxies({ addresses: proxies }),
    read: READERS[headers],
    write,
  }
}
