import { foldHeaderName, type OwnedNames } from './owned-names.ts'

/** What is done with a request header of some name. From `host` on: it may appear once only. */
export const KIND = {
  pass: 0,
  drop: 1,
  /** Not a token (RFC 9110 §5.1). */
  invalid: 2,
  /** Folds to a name that frames the message or carries a credential, without being it. */
  disguised: 3,
  connection: 4,
  host: 5,
  contentLength: 6,
  transferEncoding: 7,
  authorization: 8,
  dpop: 9,
  contentType: 10,
  /** Seen by us alone. */
  expect: 11,
  ownAuthorization: 12,
} as const

export type HeaderKind = number

/** Names that a client may not use at all, and what stands for one place before us speaking. */
const DROPPED = [
  // RFC 9110 §7.6.1, and what has been used like it
  ['keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
  ['te', 'trailer', 'upgrade', 'http2-settings'],
  // another proxy's word on who called and what for
  ['forwarded', 'x-forwarded', 'x-real-ip', 'x-client-ip', 'x-cluster-client-ip', 'true-client-ip'],
  ['x-original-url', 'x-original-uri', 'x-original-method', 'x-original-host'],
  ['x-rewrite-url', 'x-rewrite-uri', 'x-host', 'x-original-forwarded-for'],
  ['x-http-method-override', 'x-http-method', 'x-method-override'],
  ['x-envoy-original-path', 'x-envoy-external-address'],
  // what CGI and its heirs take for HTTP_PROXY and for the name of a user
  ['proxy', 'remote-user'],
].flat()

const DROPPED_PREFIX = 'x-forwarded-'

const SINGLE: readonly (readonly [string, HeaderKind])[] = [
  ['connection', KIND.connection],
  ['host', KIND.host],
  ['content-length', KIND.contentLength],
  ['transfer-encoding', KIND.transferEncoding],
  ['authorization', KIND.authorization],
  ['expect', KIND.expect],
  ['content-type', KIND.contentType],
  ['dpop', KIND.dpop],
]

/**
 * The names nearly every request has, so that a flood of invented ones cannot push them out of the
 * cache.
 */
const ORDINARY = ['Accept', 'Accept-Encoding', 'Accept-Language', 'Authorization', 'Cache-Control']
  .concat(['Connection', 'Content-Length', 'Content-Type', 'Cookie', 'Host', 'If-Match', 'Origin'])
  .concat(['If-None-Match', 'Range', 'Referer', 'Traceparent', 'Tracestate', 'User-Agent'])

const CACHE_LIMIT = 512
const CACHED_LENGTH = 64

/** Tells names apart; the answer for a spelling seen before costs one look-up. */
export function headerKinds(owned: OwnedNames): (name: string) => HeaderKind {
  const single = new Map(SINGLE)
  const dropped = new Set(DROPPED)
  const cache = new Map<string, HeaderKind>()
  const classify = (name: string): HeaderKind => {
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)) return KIND.invalid
    const folded = foldHeaderName(name)
    if (dropped.has(folded) || folded.startsWith(DROPPED_PREFIX)) return KIND.drop
    const kind = single.get(folded)
    if (kind !== undefined && folded !== name.toLowerCase()) return KIND.disguised
    if (kind === KIND.authorization && owned.has(folded)) return KIND.ownAuthorization
    if (kind !== undefined) return kind
    return owned.has(folded) ? KIND.drop : KIND.pass
  }
  const remember = (name: string): HeaderKind => {
    const kind = classify(name)
    if (cache.size < CACHE_LIMIT && name.length <= CACHED_LENGTH) cache.set(name, kind)
    return kind
  }
  for (const name of ORDINARY) {
    remember(name)
    remember(name.toLowerCase())
  }
  return (name) => cache.get(name) ?? remember(name)
}
