import { checkSaid, isTooLong, malformed, valuesOf } from './said-by-proxies.ts'
import type { Said } from './said-by-proxies.ts'

/** One `name=value` at the place where it is looked for; the value is a token or a quoted string (RFC 9110 §5.6). */
const PAIR =
  /([!#$%&'*+\-.^_`|~0-9A-Za-z]{1,64})=(?:([!#$%&'*+\-.^_`|~0-9A-Za-z]+)|"((?:[\t\x20\x21\x23-\x5b\x5d-\x7e]|\\[\t\x20-\x7e])*)")/y

/**
 * Reads `Forwarded` (RFC 7239 §4), in which each proxy appends what it saw. A hop that does not say who called in an
 * address, hides it, or says one thing twice is refused.
 */
export function readForwarded(rawHeaders: readonly string[]): Said {
  const lines = valuesOf(rawHeaders, 'forwarded')
  if (isTooLong(lines)) return malformed('forwarded', 'too long')
  const hops: { node?: string; proto?: string; host?: string }[] = []
  for (const line of lines) {
    let at = 0
    let pairs = new Map<string, string>()
    for (;;) {
      PAIR.lastIndex = blanksFrom(line, at)
      const [, name = '', token, quoted = ''] = PAIR.exec(line) ?? []
      const parameter = name.toLowerCase()
      if (parameter === '' || pairs.has(parameter)) return malformed('forwarded', line)
      pairs.set(parameter, token ?? quoted.replaceAll(/\\(.)/g, '$1'))
      at = blanksFrom(line, PAIR.lastIndex)
      const separator = line.charAt(at++)
      if (separator === ';') continue
      hops.push(hopOf(pairs))
      if (separator === '') break
      if (separator !== ',') return malformed('forwarded', line)
      pairs = new Map()
    }
  }
  return checkSaid('forwarded', hops)
}

function blanksFrom(line: string, start: number): number {
  let at = start
  while (line[at] === ' ' || line[at] === '\t') at++
  return at
}

/** `by` and whatever else there is does not concern us. */
function hopOf(pairs: ReadonlyMap<string, string>): {
  node?: string
  proto?: string
  host?: string
} {
  const [node, proto, host] = ['for', 'proto', 'host'].map((name) => pairs.get(name))
  return {
    ...(node !== undefined && { node }),
    ...(proto !== undefined && { proto }),
    ...(host !== undefined && { host }),
  }
}
