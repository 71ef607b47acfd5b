import type { Forwarding } from './forwarding.ts'
import { plainAddress } from './node-address.ts'
import type { Way } from './read-way.ts'
import type { Scheme } from './said-by-proxies.ts'

/** The last hop: the one that we see ourselves. */
export interface LastHop {
  readonly remoteAddress: string | undefined
  readonly scheme: Scheme
  /** A sound one. */
  readonly host: string
}

type SoundWay = Way & { readonly ok: true }

/** Appends to `headers` what the upstream is told of the way. */
export function writeWay(
  headers: string[],
  write: Forwarding['write'],
  way: SoundWay | undefined,
  { remoteAddress, scheme, host }: LastHop,
): void {
  const address = remoteAddress === undefined ? undefined : plainAddress(remoteAddress)
  if (write !== 'forwarded') {
    const hops = address === undefined ? way?.hops : way ? [...way.hops, address] : [address]
    if (hops && hops.length > 0) headers.push('x-forwarded-for', hops.join(', '))
    headers.push('x-forwarded-proto', way?.proto ?? scheme, 'x-forwarded-host', way?.host ?? host)
  }
  if (write !== 'x-forwarded') {
    const ours = element(address, host, scheme)
    headers.push('forwarded', way ? [...elements(way), ours].join(', ') : ours)
  }
}

function elements({ hops, proto, host }: SoundWay): readonly string[] {
  return hops.map((address, index) =>
    index === 0 ? element(address, host, proto) : element(address),
  )
}

/** RFC 7239 §4. */
function element(address: string | undefined, host?: string, proto?: string): string {
  return [
    `for=${address === undefined ? 'unknown' : address.includes(':') ? `"[${address}]"` : address}`,
    ...(host === undefined ? [] : [`host=${quoted(host)}`]),
    ...(proto === undefined ? [] : [`proto=${proto}`]),
  ].join(';')
}

/** No host that passed has a quote or a backslash in it; here it need not be known. */
function quoted(text: string): string {
  return `"${text.replaceAll(/["\\]/g, '\\$&')}"`
}
