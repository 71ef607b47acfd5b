import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const NAME = 'sha256'

/**
 * The URL under which a plugin with these contents is imported. What its modules import from beside themselves
 * is imported under the same hash: otherwise a helper that has changed would stay the old one.
 */
export function carryHash(file: string, sha256: string): URL {
  hook ??= registerHooks({
    resolve(specifier, context, next) {
      const resolved = next(specifier, context)
      const parent = context.parentURL === undefined ? null : URL.parse(context.parentURL)
      const carried = parent?.searchParams.get(NAME)
      if (carried == null || !/^\.\.?\//.test(specifier)) return resolved
      const url = new URL(resolved.url)
      url.searchParams.set(NAME, carried)
      return { ...resolved, url: url.href }
    },
  })
  const url = pathToFileURL(file)
  url.searchParams.set(NAME, sha256)
  return url
}

let hook: ReturnType<typeof registerHooks> | undefined
