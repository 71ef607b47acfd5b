import test from 'ava'
import fc from 'fast-check'

import type { Arrival } from '../../src/gateway/forwarded-headers.ts'
import { forwardedHeaders, headerRules } from '../../src/gateway/forwarded-headers.ts'
import { checkOwnedName, ownedNames } from '../../src/gateway/owned-names.ts'

const OWNED = ['X-Client-Id', 'x_tenant.name', 'X-Remote-Extra-*']
const RULES = headerRules(ownedNames([{ names: OWNED }]))
const ARRIVAL: Arrival = { remoteAddress: '192.0.2.7', scheme: 'https', httpVersion: '1.1' }
const HOST = ['Host', 'api.example']

/** What we add at the end of every request's headers. */
const ADDED = [
  ['x-forwarded-for', '192.0.2.7'],
  ['x-forwarded-proto', 'https', 'x-forwarded-host', 'api.example'],
].flat()

function forwarded(lines: readonly string[], arrival: Partial<Arrival> = {}): readonly string[] {
  const made = forwardedHeaders([...HOST, ...lines], RULES, { ...ARRIVAL, ...arrival })
  if (!made.ok) throw new Error(made.reason)
  return made.headers
}

/** What is left of the client's own lines. */
function left(lines: readonly string[], arrival: Partial<Arrival> = {}): readonly string[] {
  return forwarded(lines, arrival).slice(2, -ADDED.length)
}

function reason(lines: readonly string[], arrival: Partial<Arrival> = {}): string {
  const made = forwardedHeaders(lines, RULES, { ...ARRIVAL, ...arrival })
  return made.ok ? 'ok' : `${made.status} ${made.reason}`
}

test('ordinary headers are forwarded as they came, in order, repeated ones too', (t) => {
  const lines = [
    'Accept',
    '*/*',
    'COOKIE',
    'a=1',
    'cookie',
    'b=2',
    'X-Odd',
    '\u00E9\t"',
    'X-Empty',
    '',
  ]
  t.deepEqual(forwarded(lines), ['host', 'api.example', ...lines, ...ADDED])
})

const DROPPED = [
  ['Keep-Alive', 'TE', 'Trailer', 'Upgrade', 'HTTP2-Settings', 'Proxy-Connection', 'Expect'],
  ['Proxy-Authorization', 'Proxy-Authenticate', 'Authorization', 'DPoP'],
  ['X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port'],
  ['X-Forwarded-Prefix', 'X-Forwarded-Uri', 'X-Forwarded-Method', 'X-Forwarded-User'],
  ['Forwarded', 'X-Real-IP', 'X-Original-URL', 'X-Rewrite-URL', 'x_forwarded_for'],
  ['X-HTTP-Method-Override', 'X-Method-Override', 'X-HTTP-Method', 'X.Original.URL'],
  // owned, in every spelling that some upstream folds to the same name
  ['X-Client-Id', 'x-client-id', 'X_CLIENT_ID', 'x-client_id', 'X.Client.Id', 'X~Client|Id'],
  ['X-Tenant-Name', 'x_tenant_name', 'X-Remote-Extra-', 'x_remote_extra_Scopes'],
].flat()

for (const name of DROPPED) {
  test(`${name} from outside is taken out`, (t) => {
    t.deepEqual(left(['A', '1', name, 'forged', 'B', '2']), ['A', '1', 'B', '2'])
  })
}

test('names that only resemble owned ones pass', (t) => {
  const lines = ['X-Client-Ids', '1', 'XClientId', '2', 'X-Remote-Extr', '3', 'X-Client-Id-', '4']
  t.deepEqual(left(lines), lines)
})

test('Authorization and DPoP are meant for us', (t) => {
  t.deepEqual(left(['Authorization', 'Bearer x', 'DPoP', 'proof']), [])
})

test('headers named in Connection are taken out, in any case and any number of lines', (t) => {
  const lines = [
    'Connection',
    ' x-Hop ,, close',
    'X-HOP',
    '1',
    'connection',
    'keep-alive,x-b',
    'X-B',
    '2',
  ]
  t.deepEqual(left([...lines, 'X-C', '3']), ['X-C', '3'])
})

for (const name of [
  'Content-Length',
  'transfer-encoding',
  'HOST',
  'authorization',
  'content-type',
]) {
  test(`Connection: ${name} is refused`, (t) => {
    t.is(reason([...HOST, 'Connection', name]), '400 connection-names-protected-header')
  })
}

for (const name of ['X-Client-Id', 'x_client_id', 'x-remote-extra-a', 'X-TENANT-NAME']) {
  test(`Connection: ${name}, an owned name, is refused`, (t) => {
    const lines = [...HOST, 'Connection', `close, ${name}`]
    t.is(reason(lines), '400 connection-names-protected-header')
  })
}

test('a Connection option that is no token is refused', (t) => {
  t.is(reason([...HOST, 'Connection', 'a b']), '400 connection-option-invalid')
})

const ONCE: readonly (readonly [name: string, value: string])[] = [
  ['Authorization', 'Bearer x'],
  ['Content-Length', '0'],
  ['Transfer-Encoding', 'chunked'],
  ['Content-Type', 'text/plain'],
  ['DPoP', 'proof'],
  ['Expect', '100-continue'],
  ['Host', 'api.example'],
]

for (const [name, value] of ONCE) {
  test(`${name} twice is refused, whatever the case`, (t) => {
    const host = name === 'Host' ? [] : HOST
    const lines = [...host, name, value, 'Accept', '*/*', name.toUpperCase(), value]
    t.is(reason(lines), '400 header-repeated')
  })
}

for (const name of ['Content_Length', 'transfer_encoding', 'CONTENT.TYPE', 'authori.zation']) {
  const folded = name.toLowerCase().replace(/[._]/, '-')
  const disguised = folded !== 'authori-zation'
  test(`${name} is ${disguised ? `refused: it folds to ${folded}` : 'a name like others'}`, (t) => {
    t.is(reason([...HOST, name, '1']), disguised ? '400 header-name-disguised' : 'ok')
  })
}

const BAD_LENGTHS = [
  '010',
  '00',
  '+1',
  '-1',
  '1,1',
  '1, 1',
  '',
  ' 1',
  '0x1',
  '1e3',
  '99999999999999999',
]

for (const length of BAD_LENGTHS) {
  test(`Content-Length: ${JSON.stringify(length)} is refused`, (t) => {
    t.is(reason([...HOST, 'Content-Length', length]), '400 content-length-invalid')
  })
}

const BAD_CODINGS = [
  'gzip',
  'gzip, chunked',
  'chunked, gzip',
  ',chunked',
  'chunked;x',
  'identity',
  '',
  'xchunked',
]

for (const coding of BAD_CODINGS) {
  test(`Transfer-Encoding: ${JSON.stringify(coding)} is refused`, (t) => {
    t.is(reason([...HOST, 'Transfer-Encoding', coding]), '501 transfer-encoding-unsupported')
  })
}

test('two framings, and chunks in HTTP/1.0, are refused', (t) => {
  const chunked = [...HOST, 'Transfer-Encoding', 'chunked']
  t.is(reason([...chunked, 'Content-Length', '1']), '400 content-length-and-transfer-encoding')
  t.is(reason(chunked, { httpVersion: '1.0' }), '400 transfer-encoding-in-http-1.0')
})

test('the framing is told apart, and chunks are left to whoever frames anew', (t) => {
  const body = (lines: readonly string[]) => {
    const made = forwardedHeaders([...HOST, ...lines], RULES, ARRIVAL)
    return made.ok ? [made.body, made.headers.slice(2, -ADDED.length)] : made
  }
  t.deepEqual(body([]), [0, []])
  t.deepEqual(body(['Content-Length', '0']), [0, ['content-length', '0']])
  t.deepEqual(body(['Content-Length', '12']), [12, ['content-length', '12']])
  t.deepEqual(body(['Transfer-Encoding', 'Chunked']), [Infinity, []])
})

const BAD_HOSTS = [
  '',
  'user@api.example',
  'a b',
  'a/b',
  'a"; for=192.0.2.1',
  'a:b',
  'a:',
  'a,b',
  '[::1',
  'a:123456',
]

for (const host of BAD_HOSTS) {
  test(`Host: ${JSON.stringify(host)} is refused`, (t) => {
    t.is(reason(['Host', host]), '400 host-invalid')
  })
}

test('a request without Host is refused, and a good one is forwarded with its port', (t) => {
  t.is(reason(['Accept', '*/*']), '400 host-missing')
  for (const host of ['API.example.:8443', '[2001:db8::1]:8443', '192.0.2.1', 'my_service']) {
    t.is(reason(['Host', host]), 'ok')
  }
})

test('names that are no tokens and values that could end a line are refused', (t) => {
  t.is(reason([...HOST, 'X-Client-Id ', '1']), '400 header-name-invalid')
  t.is(reason([...HOST, '', '1']), '400 header-name-invalid')
  t.is(reason([...HOST, 'A\r\nX-Client-Id', '1']), '400 header-name-invalid')
  for (const value of ['a\r\nX-Client-Id: root', 'a\nb', 'a\rb', 'a\u0000', 'a\u007F', 'a\u0100']) {
    t.is(reason([...HOST, 'A', value]), '400 header-value-invalid')
  }
})

test('too many header lines are refused', (t) => {
  const lines = Array.from({ length: 99 }, (_, i) => [`X-${i}`, '1']).flat()
  t.is(reason([...HOST, ...lines]), 'ok')
  t.is(reason([...HOST, ...lines, 'X', '1']), '431 too-many-headers')
})

test('an IPv4 address on an IPv6 socket is told as IPv4, and an unknown one not at all', (t) => {
  const told = (remoteAddress: string | undefined) => {
    const headers = forwarded([], { remoteAddress })
    return headers[headers.indexOf('x-forwarded-for') + 1]
  }
  t.is(told('::ffff:192.0.2.7'), '192.0.2.7')
  t.is(told('2001:db8::1'), '2001:db8::1')
  t.is(told(undefined), 'host')
})

test('names of Object.prototype are names like any other', (t) => {
  const lines = ['__proto__', '1', 'constructor', '2', 'hasOwnProperty', '3', 'toString', '4']
  t.deepEqual(left(lines), lines)
})

const separator = fc.constantFrom('-', '_', '.', '~', '!', "'", '|', '^', '`', '+', '*', '$', '#')
const ownedSpelling = fc
  .tuple(
    fc.constantFrom(['x', 'client', 'id'], ['x', 'tenant', 'name'], ['x', 'remote', 'extra', 'q']),
    fc.array(separator, { minLength: 3, maxLength: 3 }),
    fc.array(fc.boolean(), { minLength: 16, maxLength: 16 }),
  )
  .map(([words, separators, upper]) => {
    const name = words.map((word, i) => (i === 0 ? word : separators[i - 1] + word)).join('')
    return Array.from(name, (c, i) => (upper[i % 16] ? c.toUpperCase() : c)).join('')
  })
const token = fc.string({
  unit: fc.constantFrom(...'abcXYZ019-_.~!|'),
  minLength: 1,
  maxLength: 12,
})
const line = fc.tuple(
  fc.oneof(ownedSpelling, token),
  fc.constantFrom('forged', 'close', 'x-client-id'),
)

test('nothing owned survives, in any spelling, order or number, with or without Connection', (t) => {
  const connection = fc.array(fc.oneof(token, ownedSpelling), { maxLength: 3 })
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), connection, (lines, options) => {
      const raw = [...HOST, ...lines.flat(), 'Connection', options.join(',')]
      const made = forwardedHeaders(raw, RULES, ARRIVAL)
      if (!made.ok) return
      const names = made.headers.filter((_, i) => i % 2 === 0)
      for (const name of names.slice(0, -3)) {
        const folded = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
        t.notRegex(folded, /^(?:x-client-id$|x-tenant-name$|x-remote-extra-|x-forwarded-)/)
        t.notRegex(folded, /^(?:connection|te|trailer|upgrade|expect|authorization)$/)
      }
    }),
    { numRuns: 2000 },
  )
})

test('no header list makes it throw, and what passes has one host and nothing that ends a line', (t) => {
  const any = fc.string({ unit: 'binary', maxLength: 20 })
  const known = fc.constantFrom('Host', 'Connection', 'Content-Length', 'Transfer-Encoding', 'TE')
  const value = fc.oneof(any, fc.constantFrom('api.example', '5', 'chunked', 'close'))
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.oneof(any, known, token), value)), (lines) => {
      const made = forwardedHeaders(lines.flat(), RULES, ARRIVAL)
      if (!made.ok) return
      t.is(made.headers.filter((text, i) => i % 2 === 0 && /^host$/i.test(text)).length, 1)
      for (const text of made.headers) t.notRegex(text, /[\r\n\0]/)
    }),
    { numRuns: 2000 },
  )
})

test('names that frame or steer the message cannot be owned', (t) => {
  for (const name of ['Host', 'content_length', 'Transfer-Encoding', 'Connection', 'TE']) {
    t.regex(checkOwnedName(name) ?? '', /frames or steers/)
    t.throws(() => ownedNames([{ names: [name] }]), { instanceOf: TypeError })
  }
  for (const name of ['', '*', 'a b', 'a*b', 'a:', 'X-\u00E9']) {
    t.is(checkOwnedName(name), 'is not a header name')
  }
  t.is(checkOwnedName('X-Remote-Extra-*'), undefined)
})
