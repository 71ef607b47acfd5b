import type { HeaderRules } from './forwarded-headers.ts'
import { KIND } from './header-kinds.ts'

/**
 * What a trailer may not say (RFC 9110 §6.5.1), because it has its meaning before the body comes or not at all. What
 * frames the message, proves the caller, or is ours to say is told apart by the rules for headers.
 */
const NEVER = new Set(
  [
    ['content-encoding', 'content-range', 'content-location', 'content-disposition', 'cookie'],
    ['set-cookie', 'cache-control', 'pragma', 'max-forwards', 'range', 'if-match', 'if-none-match'],
    ['if-modified-since', 'if-unmodified-since', 'if-range', 'origin', 'referer', 'location'],
    ['authentication-info', 'www-authenticate', 'date', 'age', 'expires', 'vary', 'retry-after'],
  ].flat(),
)

/** What RFC 9110 §5.5 lets a field value be made of; obsolete text is passed on as it came. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * The trailers of a request that may be forwarded: those that would be forwarded as headers, and mean something at the
 * end. The others are left out, never merged into the headers, which were decided on before.
 * @param rawTrailers as node gives them: name and value in turn
 * @returns names in lower case; undefined when there are none, or too many
 */
export function forwardableTrailers(
  rawTrailers: readonly string[],
  { kindOf, maxHeaders }: HeaderRules,
): Record<string, string[]> | undefined {
  if (rawTrailers.length === 0 || rawTrailers.length > 2 * maxHeaders) return undefined
  const kept = new Map<string, string[]>()
  for (let i = 0; i < rawTrailers.length; i += 2) {
    const name = rawTrailers[i]?.toLowerCase() ?? ''
    const value = rawTrailers[i + 1] ?? ''
    if (kindOf(name) !== KIND.pass || NEVER.has(name) || !VALUE.test(value)) continue
    const values = kept.get(name)
    if (values) values.push(value)
    else kept.set(name, [value])
  }
  return kept.size === 0 ? undefined : Object.fromEntries(kept)
}
