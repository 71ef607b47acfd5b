// Node keeps the first of these and drops the rest without a word; which one counts must not be a guess.
const SINGLE = new Set(['authorization', 'content-type', 'content-length', 'host', 'dpop'])

/** @returns the name of a header that may come once only and came more often */
export function repeatedHeader(rawHeaders: readonly string[]): string | undefined {
  const seen = new Set<string>()
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? ''
    if (!SINGLE.has(name)) continue
    if (seen.has(name)) return name
    seen.add(name)
  }
  return undefined
}
