import { pathFold } from '../canonical-path.ts'
import { headerKinds, KIND } from '../header-kinds.ts'
import { foldHeaderName, type OwnedNames } from '../owned-names.ts'
import { checkRoutePattern, parseRoutePattern } from '../route-pattern.ts'
import { isSoundHost } from '../sound-host.ts'
import type { RewriteSettings } from './rewrite.ts'

/** Something wrong below `rewrite`, and where. */
export interface RewriteFault {
  readonly path: readonly PropertyKey[]
  readonly message: string
}

/** What a rewrite is judged by. */
export interface RewriteSurroundings {
  /** The pattern of its rule, a sound one. */
  readonly pattern: string
  readonly ignoreCase: boolean
  readonly owned: OwnedNames
}

/** Visible ASCII with blanks and tabs between, never around (RFC 9110 §5.5). */
const VALUE = /^(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?$/
const MAX_VALUE = 8192

const SETTABLE = new Set<number>([KIND.pass, KIND.contentType, KIND.authorization])
const FRAMING = new Set<number>([
  KIND.connection,
  KIND.host,
  KIND.contentLength,
  KIND.transferEncoding,
])
/** Names whose value lets somebody in. */
const SECRET = new Set(['authorization', 'cookie'])

/** What is wrong with a rewrite, beyond its form. No value of a header is shown. */
export function rewriteFaults(
  rewrite: RewriteSettings,
  surroundings: RewriteSurroundings,
): readonly RewriteFault[] {
  const { stripPrefix, host } = rewrite
  const prefix = stripPrefix === undefined ? undefined : prefixFault(stripPrefix, surroundings)
  const named = host === 'preserve' || host === 'upstream' || isSoundHost(host)
  return [
    ...(prefix === undefined ? [] : [{ path: ['stripPrefix'], message: prefix }]),
    ...(named
      ? []
      : [{ path: ['host'], message: 'is neither preserve, upstream nor a host name' }]),
    ...setFaults(rewrite, surroundings.owned),
    ...removeFaults(rewrite, surroundings.owned),
  ]
}

function prefixFault(
  prefix: string,
  { pattern, ignoreCase }: RewriteSurroundings,
): string | undefined {
  if (prefix.endsWith('/')) return 'must not end with "/"'
  const malformed = checkRoutePattern(prefix)
  if (malformed !== undefined) return malformed
  const fold = pathFold(ignoreCase)
  const segments = parseRoutePattern(pattern)
  for (const [index, segment] of parseRoutePattern(prefix).entries()) {
    if (!('text' in segment)) return 'must be literal: what "*" stands for is not known'
    const other = segments[index]
    if (other === undefined || !('text' in other) || fold(other.text) !== fold(segment.text)) {
      return `is not what every path of "${pattern}" begins with`
    }
  }
  return undefined
}

function setFaults({ setHeaders }: RewriteSettings, owned: OwnedNames): RewriteFault[] {
  const kindOf = headerKinds(owned)
  const seen = new Set<string>()
  return Object.entries(setHeaders).flatMap(([name, { text, referenced }]) => {
    const folded = foldHeaderName(name)
    const repeated = seen.has(folded)
    seen.add(folded)
    const message =
      kindOf(name) === KIND.invalid
        ? 'is not a header name'
        : !SETTABLE.has(kindOf(name))
          ? 'cannot be set: it frames the message, belongs to the connection, or is said by us'
          : repeated
            ? 'is there twice, in two spellings that an upstream may take for the same'
            : SECRET.has(folded) && !referenced
              ? 'must be kept elsewhere; write { env: NAME } for an environment variable, or { file: path }'
              : VALUE.test(text) && text.length <= MAX_VALUE
                ? undefined
                : `is not visible ASCII of up to ${MAX_VALUE} characters`
    return message === undefined ? [] : [{ path: ['setHeaders', name], message }]
  })
}

function removeFaults({ removeHeaders }: RewriteSettings, owned: OwnedNames): RewriteFault[] {
  const kindOf = headerKinds(owned)
  return removeHeaders.flatMap((name, index) => {
    const kind = kindOf(name)
    const message =
      kind === KIND.invalid || kind === KIND.disguised
        ? `"${name}" is not a header name`
        : FRAMING.has(kind)
          ? `${name} cannot be removed: the message needs it`
          : isOurs(name, owned)
            ? `${name} is said by us, and the client’s never goes on`
            : undefined
    return message === undefined ? [] : [{ path: ['removeHeaders', index], message }]
  })
}

function isOurs(name: string, owned: OwnedNames): boolean {
  const folded = foldHeaderName(name)
  return owned.has(folded) || folded === 'forwarded' || folded.startsWith('x-forwarded-')
}
