import type { Forwarding } from './forwarding.ts'
import type { Said, Scheme } from './said-by-proxies.ts'

/** How a request came to the connection that we have it from, as proxies say whom we trust. */
export type Way =
  | {
      readonly ok: true
      /**
       * Addresses: the caller's, which is the right-most that is none of our proxies', and those of the proxies after
       * it. Empty: they say nothing of anybody, and the other end of the connection is the caller.
       */
      readonly hops: readonly string[]
      /** As the first of the proxies saw it. */
      readonly proto?: Scheme | undefined
      readonly host?: string | undefined
    }
  | (Said & { readonly ok: false })

/**
 * Reads the way, or undefined where the other end is nobody whose word counts. What stands to the left of the caller
 * is the caller's own word, and goes no further.
 */
export function readWay(
  rawHeaders: readonly string[],
  remoteAddress: string | undefined,
  { proxies, read }: Forwarding,
): Way | undefined {
  if (proxies === undefined || !proxies.has(remoteAddress, undefined)) return undefined
  const said = read(rawHeaders)
  if (!said.ok) return said
  const { hops } = said
  const last = hops.findLastIndex(({ address }) => !proxies.has(address, undefined))
  const caller = Math.max(last, 0)
  return {
    ok: true,
    hops: hops.slice(caller).map(({ address }) => address),
    proto: said.proto ?? hops[caller]?.proto,
    host: said.host ?? hops[caller]?.host,
  }
}
