import * as fc from 'fast-check'

/** One request as a client says it; texts are latin1, an octet a character. */
export interface SpokenRequest {
  readonly method: string
  readonly target: string
  readonly host: string
  /** Names and values, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: SpokenBody
}

export type SpokenBody =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly text: string }
  | {
      readonly kind: 'chunked'
      readonly chunks: readonly (readonly [text: string, extension: string])[]
      readonly trailers: readonly (readonly [name: string, value: string])[]
    }

const letters = (text: string): fc.Arbitrary<string> => fc.constantFrom(...text)

const SAFE = "abcXYZ019-._~!$&'()*+,=:@"
const segment = fc.string({ unit: letters(SAFE), minLength: 1, maxLength: 8 })
const escape = fc.constantFrom('%20', '%C3%A9', '%c3%a9', '%40', '%3D', '%E2%82%AC')
/** What two servers might read differently, and what is no target at all. */
const odd = fc.constantFrom(
  ...['.', '..', '', '%2e%2e', '%2F', '%5c', '%00', '%c0%ae', '%', '%4', '%61', '%252e'].concat([
    'a;b',
    '\\',
    'a#b',
    'a b',
    '\u00e9',
    '\t',
    '"',
    '<x>',
    '{',
    '|',
    '^',
    '`',
    '\u007f',
  ]),
)
const path = fc
  .array(
    fc.oneof(
      { arbitrary: segment, weight: 60 },
      { arbitrary: fc.tuple(segment, escape).map((two) => two.join('')), weight: 12 },
      { arbitrary: odd, weight: 1 },
    ),
    { maxLength: 5 },
  )
  .map((segments) => segments.map((one) => `/${one}`).join(''))
const query = fc.oneof(
  { arbitrary: fc.constant(''), weight: 20 },
  {
    arbitrary: fc
      .string({ unit: letters(`${SAFE}%/?;[]{}|\\^"<>\``), maxLength: 20 })
      .map((text) => `?${text}`),
    weight: 20,
  },
  { arbitrary: odd.map((text) => `?x=${text}`), weight: 1 },
)

const value = fc.oneof(
  { arbitrary: fc.string({ maxLength: 30 }), weight: 40 },
  {
    arbitrary: fc.string({
      unit: fc.integer({ min: 0x80, max: 0xff }).map(fromCode),
      maxLength: 8,
    }),
    weight: 4,
  },
  {
    arbitrary: fc.constantFrom('', 'a\tb', ' a ', 'close', 'chunked', '0', 'a\u0001b', 'a\u007fb'),
    weight: 1,
  },
)

function fromCode(code: number): string {
  return String.fromCharCode(code)
}

const ORDINARY = [
  'Accept',
  'Accept-Language',
  'Cookie',
  'ETag',
  'If-Match',
  'Range',
  'User-Agent',
  'X-A',
  'X-B',
]
  .concat([
    'X_Underscored',
    'X.Dotted',
    '__proto__',
    'constructor',
    'Content-Encoding',
    'Via',
    'Traceparent',
  ])
  .concat([
    'Content-Language',
    'Idempotency-Key',
    'X-Api-Key',
    "!#$%&'*+-.^_`|~",
    '0',
    'X-Clients-Id',
  ])
/** What has a meaning on the way, or is only ours to say. */
const SPECIAL = [
  'TE',
  'Keep-Alive',
  'Proxy-Connection',
  'Proxy-Authorization',
  'Trailer',
  'HTTP2-Settings',
]
  .concat([
    'X-Client-Id',
    'X_Client_Id',
    'x.client-scopes',
    'X-Request-Id',
    'X-Remote-User',
    'Client-Cert',
  ])
  .concat([
    'X-Forwarded-For',
    'X_Forwarded_Host',
    'Forwarded',
    'X-Real-IP',
    'X-Original-URL',
    'Proxy',
  ])
  .concat([
    'X-HTTP-Method-Override',
    'X-Forwarded-User',
    'X-Consumer-Username',
    'X-Vouchgate-Assertion',
  ])
/** What is refused, at once or when it comes twice. */
const RISKY = [
  'Content_Length',
  'Transfer_Encoding',
  'Content-Type',
  'Expect',
  'DPoP',
  'Ho_st',
  'X Y',
  'X-\u00e9',
  '',
]

const anyCase = (name: string): fc.Arbitrary<string> =>
  fc.oneof(fc.constant(name), fc.constant(name.toLowerCase()), fc.constant(name.toUpperCase()))

const header = fc.oneof(
  { arbitrary: fc.tuple(fc.constantFrom(...ORDINARY).chain(anyCase), value), weight: 60 },
  { arbitrary: fc.tuple(fc.constantFrom(...SPECIAL).chain(anyCase), value), weight: 20 },
  { arbitrary: fc.tuple(fc.constantFrom(...RISKY).chain(anyCase), value), weight: 1 },
  {
    arbitrary: fc.tuple(
      fc.constantFrom('Connection', 'connection'),
      fc
        .array(fc.constantFrom('keep-alive', 'X-A', 'x-b', 'TE', 'cookie', ' Keep-Alive ', ''), {
          maxLength: 3,
        })
        .map((names) => names.join(',')),
    ),
    weight: 4,
  },
  {
    arbitrary: fc.tuple(
      fc.constant('Connection'),
      fc.constantFrom(
        'close',
        'content-length',
        'x-client-id',
        'Transfer-Encoding',
        'host',
        'a b',
        'authorization',
      ),
    ),
    weight: 1,
  },
)

const text = fc.oneof(
  fc.string({ unit: fc.integer({ min: 0, max: 0xff }).map(fromCode), maxLength: 40 }),
  fc.constant('GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'),
  fc.constant('0\r\n\r\n'),
  fc.integer({ min: 1, max: 70_000 }).map((length) => 'y'.repeat(length)),
)
const extension = fc.oneof(
  { arbitrary: fc.constant(''), weight: 6 },
  { arbitrary: fc.constantFrom(';a', ';a=b', ';a="b;c"', ';a=1;b=2', ' ;a', ';'), weight: 1 },
)
const body: fc.Arbitrary<SpokenBody> = fc.oneof(
  { arbitrary: fc.constant({ kind: 'none' } as const), weight: 3 },
  { arbitrary: text.map((one) => ({ kind: 'length', text: one }) as const), weight: 3 },
  {
    arbitrary: fc.record({
      kind: fc.constant('chunked' as const),
      chunks: fc.array(fc.tuple(text, extension), { maxLength: 4 }),
      trailers: fc.array(fc.tuple(fc.constantFrom('X-T', 'X-Client-Id', 'Content-Length'), value), {
        maxLength: 2,
      }),
    }),
    weight: 3,
  },
)

const METHODS = [
  'GET',
  'GET',
  'POST',
  'POST',
  'HEAD',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'QUERY',
  'PURGE',
  'M-SEARCH',
]

/** A request of all sorts, most of them sound; `prefix` is how its path begins. */
export function arbitraryRequest(prefix: string): fc.Arbitrary<SpokenRequest> {
  return fc.record({
    method: fc.oneof(
      { arbitrary: fc.constantFrom(...METHODS), weight: 30 },
      { arbitrary: fc.constantFrom('get', 'FOO', 'TRACE', 'G\u00c9T'), weight: 1 },
    ),
    target: fc.tuple(path, query).map((two) => prefix + two.join('')),
    host: fc.oneof(
      { arbitrary: fc.constantFrom('a.test', 'a.test:8443', '127.0.0.1', '[::1]:80'), weight: 30 },
      {
        arbitrary: fc.constantFrom('', 'a b', 'a/b', 'a@b', 'a,b', 'a:x', '[::1', '\u00e4'),
        weight: 1,
      },
    ),
    headers: fc.array(header, { maxLength: 6 }),
    body,
  })
}

/** The octets of a request over HTTP/1.1, with `more` header lines. */
export function spoken(request: SpokenRequest, more: SpokenRequest['headers'] = []): string {
  const { method, target, host, headers } = request
  const [framing, content] = framed(request.body)
  const lines = [['Host', host], ...more, ...headers, ...framing].map((line) => line.join(': '))
  return [`${method} ${target} HTTP/1.1`, ...lines, '', content].join('\r\n')
}

function framed(said: SpokenBody): [framing: SpokenRequest['headers'], content: string] {
  if (said.kind === 'none') return [[], '']
  if (said.kind === 'length') return [[['Content-Length', `${said.text.length}`]], said.text]
  const chunks = said.chunks
    .filter(([one]) => one !== '')
    .map(([one, more]) => `${one.length.toString(16)}${more}\r\n${one}\r\n`)
  const trailers = said.trailers.map((line) => `${line.join(': ')}\r\n`)
  return [[['Transfer-Encoding', 'chunked']], `${chunks.join('')}0\r\n${trailers.join('')}\r\n`]
}

/** Changes of a few octets. */
export type Damage = readonly {
  /** Where, as a part of the whole. */
  readonly at: number
  readonly removed: number
  readonly added: string
}[]

/** Wherever. */
export const arbitraryDamage: fc.Arbitrary<Damage> = fc.array(
  fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
    removed: fc.integer({ min: 0, max: 3 }),
    added: fc.oneof(
      fc.constantFrom(
        '\r',
        '\n',
        '\r\n',
        '\0',
        ' ',
        '\t',
        ':',
        '0',
        ',',
        ';',
        '\u000b',
        '\u0085',
        '_',
        '\r\n ',
      ),
      fc.string({ maxLength: 3 }),
    ),
  }),
  { maxLength: 3 },
)

export function damaged(octets: string, damage: Damage): string {
  let result = octets
  for (const { at, removed, added } of damage) {
    const place = Math.floor(at * result.length)
    result = result.slice(0, place) + added + result.slice(place + removed)
  }
  return result
}
