/** A string, and the colon behind it when it is a property's name. */
const STRING = /"(?:[^"\\]+|\\.)*"(\s*:)?/g
const MAX_DEPTH = 100

/**
 * Parses JSON that is beyond reproach: no comments, no name twice in an object, not nested too deep.
 * Several times faster than the careful way, which is left to find what is wrong with all other texts.
 */
export function plainJson(text: string): { readonly value: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return namesWritten(text) === namesIn(value, 0) ? { value } : undefined
  } catch {
    return undefined
  }
}

// JSON.parse takes the last of two properties with one name; the text still shows both.
function namesWritten(text: string): number {
  let count = 0
  for (const [, colon] of text.matchAll(STRING)) if (colon !== undefined) count++
  return count
}

function namesIn(value: unknown, depth: number): number {
  if (typeof value !== 'object' || value === null) return 0
  if (depth > MAX_DEPTH) return Number.NaN
  const inner = Object.values(value)
  const own = Array.isArray(value) ? 0 : inner.length
  return inner.reduce<number>((count, one) => count + namesIn(one, depth + 1), own)
}
