import type { IdentityHeaders } from '#contract'

/** Which header names only we may send to the upstream. */
export interface OwnedNames {
  /** `folded` as `foldHeaderName` gives it. */
  has(folded: string): boolean
  /** The folded form of a name as a part says it; undefined when it is no name or not owned. */
  fold(name: string): string | undefined
}

/** Names that frame or steer a message; an identity header of such a name would break it. */
const RESERVED = new Set([
  'connection',
  'content-length',
  'content-type',
  'expect',
  'host',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,128}$/

const MAX_KNOWN = 512

/**
 * One spelling for all that an upstream may take for the same name: CGI and its heirs (WSGI, PHP,
 * Rack, IIS modules) turn everything but letters and digits into `_`.
 */
export function foldHeaderName(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9]/g, '-')
}

/** Says what is wrong with a name in `IdentityHeaders.names`, or undefined when nothing is. */
export function checkOwnedName(name: string): string | undefined {
  const bare = name.endsWith('*') ? name.slice(0, -1) : name
  if (!TOKEN.test(bare) || bare.includes('*')) return 'is not a header name'
  if (RESERVED.has(foldHeaderName(bare))) return 'frames or steers the message itself'
  return undefined
}

/** Compiles the names of all parts. Throws a TypeError on a name that `checkOwnedName` refuses. */
export function ownedNames(parts: readonly Pick<IdentityHeaders, 'names'>[]): OwnedNames {
  const names = parts.flatMap((part) => part.names)
  for (const name of names) {
    const fault = checkOwnedName(name)
    if (fault !== undefined) throw new TypeError(`identity header "${name}" ${fault}`)
  }
  const exact = new Set(names.filter((name) => !name.endsWith('*')).map(foldHeaderName))
  const prefixes = names
    .filter((name) => name.endsWith('*'))
    .map((name) => foldHeaderName(name.slice(0, -1)))
  const has = (folded: string): boolean =>
    exact.has(folded) || prefixes.some((prefix) => folded.startsWith(prefix))
  // parts say the same few names again and again
  const known = new Map<string, string>()
  return {
    has,
    fold(name) {
      const before = known.get(name)
      if (before !== undefined) return before
      const folded = foldHeaderName(name)
      if (!TOKEN.test(name) || !has(folded)) return undefined
      if (known.size < MAX_KNOWN) known.set(name, folded)
      return folded
    },
  }
}
