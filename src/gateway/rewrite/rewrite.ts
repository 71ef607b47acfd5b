import type { Settings } from '../../config/settings-schema.ts'
import { foldHeaderName } from '../owned-names.ts'

export type RewriteSettings = NonNullable<Settings['routes'][number]['rewrite']>

/** What a rule changes on the way to the upstream, after the decision. */
export interface Rewrite {
  /** How many leading segments of the path are taken off. */
  readonly segments: number
  /** `preserve`: the client's; `upstream`: the upstream's; anything else is the name itself. */
  readonly host: string
  /** Folded names of lines that do not go on. */
  readonly gone: ReadonlySet<string>
  /** Lines that are added, name and value in turn. */
  readonly lines: readonly string[]
}

/** Done once, when the rules are loaded. `settings` are those that `rewriteFaults` found good. */
export function compileRewrite(settings: RewriteSettings): Rewrite {
  const { stripPrefix, host, setHeaders, removeHeaders } = settings
  const names = Object.keys(setHeaders)
  return {
    segments: stripPrefix === undefined ? 0 : stripPrefix.split('/').length - 1,
    host,
    gone: new Set([...names, ...removeHeaders].map(foldHeaderName)),
    lines: [
      // A comma in it would be read as the end of one prefix and the beginning of the next.
      ...(stripPrefix === undefined
        ? []
        : ['x-forwarded-prefix', stripPrefix.replaceAll(',', '%2C')]),
      ...Object.entries(setHeaders).flatMap(([name, { text }]) => [name, text]),
    ],
  }
}

/**
 * The path that the upstream sees. The rule matched `path`, so its first segments are the prefix, however the client
 * spelt them; what is left begins at a slash of a path that `readRequestTarget` let through, and is such a path itself.
 */
export function rewritePath(path: string, { segments }: Rewrite): string {
  let start = 0
  for (let left = segments; left > 0; left--) {
    start = path.indexOf('/', start + 1)
    if (start === -1) return '/'
  }
  return path.slice(start)
}

/**
 * Header lines → those that the upstream gets. `headers` are from `forwardedHeaders`, the host first, before anything
 * of ours is said.
 * @param origin of the upstream; `unix:/path` for a socket, which has no name
 */
export function rewriteHeaders(
  headers: string[],
  { host, gone, lines }: Rewrite,
  origin: string,
): string[] {
  const kept =
    gone.size === 0
      ? headers
      : headers.filter((_, i) => !gone.has(foldHeaderName(headers[i - (i % 2)] ?? '')))
  if (host !== 'preserve') {
    kept[1] = host === 'upstream' ? hostOf(origin) : host
  }
  kept.push(...lines)
  return kept
}

function hostOf(origin: string): string {
  const slashes = origin.indexOf('//')
  return slashes === -1 || origin.startsWith('unix:') ? 'localhost' : origin.slice(slashes + 2)
}
