import { printable } from '../printable.ts'
import { isSoundHost } from '../sound-host.ts'
import { nodeAddress } from './node-address.ts'

/** What one proxy saw: who called it, and how. */
export interface Hop {
  readonly address: string
  readonly proto?: Scheme | undefined
  readonly host?: string | undefined
}

export type Scheme = 'http' | 'https'

/** What is said of the way up to the proxy before us: the first hop first. */
export type Said =
  | {
      readonly ok: true
      readonly hops: readonly Hop[]
      /** Of the request as it came in, where that is not said hop by hop. */
      readonly proto?: Scheme | undefined
      readonly host?: string | undefined
    }
  | { readonly ok: false; readonly reason: string; readonly got: string }

/** How many proxies may have spoken, and how long what they said may be, in characters. */
const MOST = { hops: 20, length: 2048 }

/** The values of a header in the order of its lines; other spellings of the name are not its. */
export function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]?.toLowerCase() === name)
}

/** Puts what was read to the test. Anything that is not sound is refused, not repaired. */
export function checkSaid(
  name: string,
  read: readonly { readonly node?: string; readonly proto?: string; readonly host?: string }[],
  whole: { readonly proto?: string | undefined; readonly host?: string | undefined } = {},
): Said {
  if (read.length > MOST.hops) return malformed(name, `${read.length} hops`)
  const hops: Hop[] = []
  for (const { node, proto, host } of read) {
    const address = nodeAddress(node ?? '')
    if (address === undefined) return malformed(name, node ?? 'a hop without for')
    const said = checkOf(name, proto, host)
    if ('reason' in said) return said
    hops.push({ address, ...said })
  }
  const said = checkOf(name, whole.proto, whole.host)
  return 'reason' in said ? said : { ok: true, hops, ...said }
}

/** Whether there is more of it than can be meant. */
export function isTooLong(values: readonly string[]): boolean {
  return values.reduce((sum, value) => sum + value.length, 0) > MOST.length
}

export function malformed(name: string, got: string): Said & { readonly ok: false } {
  return { ok: false, reason: 'forwarded-malformed', got: printable(`${name}: ${got}`) }
}

function checkOf(
  name: string,
  proto: string | undefined,
  host: string | undefined,
): Pick<Hop, 'proto' | 'host'> | (Said & { readonly ok: false }) {
  const scheme = proto?.toLowerCase()
  if (scheme !== undefined && scheme !== 'http' && scheme !== 'https') {
    return malformed(name, `proto ${proto}`)
  }
  if (host !== undefined && !isSoundHost(host)) return malformed(name, `host ${host}`)
  return { proto: scheme, host }
}
