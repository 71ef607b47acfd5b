import { readRequestTarget } from './request-target.ts'

/** How long a pattern may be, in characters. */
const MAX_PATTERN = 1024

/** One segment of a pattern: any one segment, all that follows, or exactly this text. */
export type PatternSegment =
  | { readonly any: true }
  | { readonly rest: true }
  | { readonly text: string }

/**
 * Says what is wrong with the path pattern of a route, or undefined when nothing is. `*` stands for
 * one whole non-empty segment; `**`, at the end only, for anything that follows or nothing. All
 * else is literal and compared by `canonicalPath`; case and a trailing slash count.
 */
export function checkRoutePattern(pattern: string): string | undefined {
  if (!pattern.startsWith('/')) return 'must begin with "/"'
  if (pattern.length > MAX_PATTERN) return `must not be longer than ${MAX_PATTERN} characters`
  if (pattern.includes('?')) return 'must not contain a query: rules see the path only'
  const segments = pattern.slice(1).split('/')
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1
    const fault = segmentFault(segment, last)
    if (fault !== undefined) return fault
  }
  return undefined
}

/** Reads a pattern that `checkRoutePattern` found good. Texts are as they stand in it. */
export function parseRoutePattern(pattern: string): PatternSegment[] {
  return pattern
    .slice(1)
    .split('/')
    .map((text) => (text === '*' ? { any: true } : text === '**' ? { rest: true } : { text }))
}

function segmentFault(segment: string, last: boolean): string | undefined {
  if (segment === '*') return undefined
  if (segment === '**') return last ? undefined : '"**" may only stand at the end'
  if (segment === '') return last ? undefined : 'must not contain "//"'
  if (segment.includes('*')) {
    return `"*" stands for a whole segment, not for a part of "${segment}"; a literal asterisk is "%2A"`
  }
  if (/^[:{]/.test(segment)) {
    return `"${segment}" would be compared literally; any one segment is "*"`
  }
  const target = readRequestTarget(`/${segment}`)
  return target.ok ? undefined : `"${segment}" could never match: ${target.reason}`
}
