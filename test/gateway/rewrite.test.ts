import test from 'ava'
import fc from 'fast-check'

import { headerKinds, KIND } from '../../src/gateway/header-kinds.ts'
import { forwardedHeaders, headerRules } from '../../src/gateway/forwarded-headers.ts'
import { foldHeaderName, ownedNames } from '../../src/gateway/owned-names.ts'
import { readRequestTarget } from '../../src/gateway/request-target.ts'
import { compileRewrite, rewriteHeaders, rewritePath } from '../../src/gateway/rewrite/rewrite.ts'
import type { RewriteSettings } from '../../src/gateway/rewrite/rewrite.ts'
import { rewriteFaults } from '../../src/gateway/rewrite/rewrite-faults.ts'
import { checkRoutePattern } from '../../src/gateway/route-pattern.ts'
import { compileRoutes } from '../../src/gateway/routes.ts'

const OWNED = ownedNames([{ names: ['X-Client-Id', 'X-Remote-Extra-*', 'X-Request-Id'] }])
const NOTHING: RewriteSettings = { host: 'preserve', setHeaders: {}, removeHeaders: [] }
const ORIGIN = 'http://orders.internal:8080'

function faults(
  rewrite: Partial<RewriteSettings>,
  pattern = '/orders/**',
  ignoreCase = true,
): readonly string[] {
  return rewriteFaults({ ...NOTHING, ...rewrite }, { pattern, ignoreCase, owned: OWNED }).map(
    ({ path, message }) => `${path.map(String).join('.')}: ${message}`,
  )
}

const text = (value: string) => ({ text: value, referenced: false })

for (const [prefix, path, expected] of [
  ['/orders', '/orders/1', '/1'],
  ['/orders', '/orders', '/'],
  ['/orders', '/orders/', '/'],
  ['/orders', '/orders/1/', '/1/'],
  ['/orders', '/ORDERS/1', '/1'],
  ['/api/orders', '/api/orders/1/2', '/1/2'],
  ['/@me', '/%40me/x', '/x'],
  ['/caf%C3%A9', '/caf%c3%a9/%20', '/%20'],
  ['/a', '/a/a/a', '/a/a'],
] as const) {
  test(`${path} without ${prefix} is ${expected}`, (t) => {
    t.deepEqual(faults({ stripPrefix: prefix }, `${prefix}/**`), [])
    t.is(rewritePath(path, compileRewrite({ ...NOTHING, stripPrefix: prefix })), expected)
  })
}

for (const [prefix, pattern, fault] of [
  ['/', '/orders/**', 'must not end with "/"'],
  ['', '/orders/**', 'must begin with "/"'],
  ['orders', '/orders/**', 'must begin with "/"'],
  ['/orders/', '/orders/**', 'must not end with "/"'],
  ['/ord', '/orders/**', 'is not what every path of "/orders/**" begins with'],
  ['/orders/1', '/orders/**', 'is not what every path of "/orders/**" begins with'],
  ['/orders/1', '/orders/*', 'is not what every path of "/orders/*" begins with'],
  ['/orders/*', '/orders/*', 'must be literal: what "*" stands for is not known'],
  ['/orders/**', '/orders/**', 'must be literal: what "*" stands for is not known'],
  ['/a//b', '/a/**', 'must not contain "//"'],
  ['/a/../b', '/a/**', '".." could never match: path-dot-segment'],
  ['/a?b', '/a/**', 'must not contain a query: rules see the path only'],
  ['/x', '/**', 'is not what every path of "/**" begins with'],
] as const) {
  test(`"${prefix}" cannot be taken off ${pattern}`, (t) => {
    t.deepEqual(faults({ stripPrefix: prefix }, pattern), [`stripPrefix: ${fault}`])
  })
}

test('where case counts a prefix in another case is none', (t) => {
  t.is(faults({ stripPrefix: '/Orders' }, '/orders/**', false).length, 1)
  t.deepEqual(faults({ stripPrefix: '/Orders' }, '/orders/**', true), [])
})

for (const host of [
  'preserve',
  'upstream',
  'orders.internal',
  'orders.internal:8080',
  '[::1]:80',
]) {
  test(`the host may be ${host}`, (t) => {
    t.deepEqual(faults({ host }), [])
  })
}
for (const host of ['', 'a b', 'a/b', 'http://a', 'a"b', 'a\r\nb', 'a:x', 'a@b', 'ü']) {
  test(`the host may not be ${JSON.stringify(host)}`, (t) => {
    t.deepEqual(faults({ host }), ['host: is neither preserve, upstream nor a host name'])
  })
}

for (const [origin, host, expected] of [
  [ORIGIN, 'upstream', 'orders.internal:8080'],
  ['https://[::1]:8443', 'upstream', '[::1]:8443'],
  ['unix:/run/api.sock', 'upstream', 'localhost'],
  [ORIGIN, 'api.example', 'api.example'],
  [ORIGIN, 'preserve', 'sent.example'],
] as const) {
  test(`before ${origin} with host ${host} the upstream is asked for ${expected}`, (t) => {
    const rewrite = compileRewrite({ ...NOTHING, host })
    const lines = ['host', 'sent.example', 'x-forwarded-host', 'sent.example']
    t.deepEqual(rewriteHeaders(lines, rewrite, origin), [
      'host',
      expected,
      'x-forwarded-host',
      'sent.example',
    ])
  })
}

const UNSETTABLE = [
  ['X-Client-Id', 'x_client_id', 'X-Remote-Extra-Team', 'X-Request-Id', 'Host', 'Connection'],
  ['Content-Length', 'Transfer-Encoding', 'TE', 'Trailer', 'Upgrade', 'Keep-Alive', 'Expect'],
  ['Proxy-Authorization', 'Proxy-Connection', 'Forwarded', 'X-Forwarded-For', 'X_Forwarded_For'],
  ['X-Forwarded-Prefix', 'X-Real-IP', 'Content_Length', 'DPoP', 'HTTP2-Settings'],
].flat()
for (const name of UNSETTABLE) {
  test(`${name} cannot be set`, (t) => {
    t.deepEqual(faults({ setHeaders: { [name]: text('1') } }), [
      `setHeaders.${name}: cannot be set: it frames the message, belongs to the connection, or is said by us`,
    ])
  })
}

for (const [setHeaders, fault] of [
  [{ 'X Y': text('1') }, 'setHeaders.X Y: is not a header name'],
  [{ '': text('1') }, 'setHeaders.: is not a header name'],
  [
    { 'X-A': text('a\r\nX-Client-Id: b') },
    'setHeaders.X-A: is not visible ASCII of up to 8192 characters',
  ],
  [{ 'X-A': text(' a') }, 'setHeaders.X-A: is not visible ASCII of up to 8192 characters'],
  [{ 'X-A': text('ü') }, 'setHeaders.X-A: is not visible ASCII of up to 8192 characters'],
  [
    { 'X-A': text('a'.repeat(8193)) },
    'setHeaders.X-A: is not visible ASCII of up to 8192 characters',
  ],
  [
    { 'X-A': text('1'), x_a: text('2') },
    'setHeaders.x_a: is there twice, in two spellings that an upstream may take for the same',
  ],
  [
    { Authorization: text('Basic canary') },
    'setHeaders.Authorization: must be kept elsewhere; write { env: NAME } for an environment variable, or { file: path }',
  ],
] as const) {
  test(`${JSON.stringify(setHeaders).slice(0, 60)} cannot be set`, (t) => {
    const found = faults({ setHeaders })
    t.deepEqual(found, [fault])
    t.false(found.join('').includes('canary'))
  })
}

test('a header with a secret may be set from elsewhere, and ordinary ones as they are', (t) => {
  const setHeaders = {
    Authorization: { text: 'Basic abc', referenced: true },
    'Content-Type': text('application/json'),
    'X-Tenant': text('a b'),
    'X-Empty': text(''),
  }
  t.deepEqual(faults({ setHeaders }), [])
})

for (const [name, fault] of [
  ['X-Client-Id', 'is said by us, and the client’s never goes on'],
  ['x_request_id', 'is said by us, and the client’s never goes on'],
  ['X-Forwarded-For', 'is said by us, and the client’s never goes on'],
  ['Forwarded', 'is said by us, and the client’s never goes on'],
  ['Host', 'cannot be removed: the message needs it'],
  ['Content-Length', 'cannot be removed: the message needs it'],
  ['Transfer-Encoding', 'cannot be removed: the message needs it'],
] as const) {
  test(`${name} cannot be removed`, (t) => {
    t.deepEqual(faults({ removeHeaders: [name] }), [`removeHeaders.0: ${name} ${fault}`])
  })
}

test('what is set takes the place of the client’s, in every spelling', (t) => {
  const rewrite = compileRewrite({
    ...NOTHING,
    stripPrefix: '/a,b',
    setHeaders: { 'X-Tenant': text('ours') },
    removeHeaders: ['Cookie'],
  })
  const lines = ['host', 'h', 'X_Tenant', 'theirs', 'x-tenant', 'theirs', 'COOKIE', 'a=1', 'b', 'c']
  t.deepEqual(rewriteHeaders(lines, rewrite, ORIGIN), [
    'host',
    'h',
    'b',
    'c',
    'x-forwarded-prefix',
    '/a%2Cb',
    'X-Tenant',
    'ours',
  ])
})

const segment = fc.oneof(
  fc.constantFrom(
    'a',
    'A',
    'b',
    '@',
    '%40',
    '%41',
    '%2F',
    '%2f',
    '..',
    '.',
    '',
    '%C3%A9',
    ';',
    ',',
  ),
  fc.stringMatching(/^[a-z%.;@ -]{0,6}$/),
)
const path = fc.array(segment, { minLength: 1, maxLength: 6 }).map((all) => `/${all.join('/')}`)

test('what is left of a path is a path that would be let through itself, and ends the one that was sent', (t) => {
  let stripped = 0
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('a', 'b', '@', '%C3%A9'), { minLength: 1, maxLength: 3 }),
      path,
      fc.boolean(),
      fc.boolean(),
      (segments, rest, ignoreCase, ignoreTrailingSlash) => {
        const prefix = `/${segments.join('/')}`
        const pattern = `${prefix}/**`
        t.is(checkRoutePattern(pattern), undefined)
        t.deepEqual(faults({ stripPrefix: prefix }, pattern, ignoreCase), [])
        const rewrite = compileRewrite({ ...NOTHING, stripPrefix: prefix })
        const routes = compileRoutes([{ path: pattern, rewrite }], {
          ignoreCase,
          ignoreTrailingSlash,
        })
        for (const sent of [rest, `${prefix}${rest}`, prefix, `${prefix.toUpperCase()}${rest}`]) {
          const target = readRequestTarget(sent)
          if (!target.ok || routes.match('GET', target.path).kind !== 'rule') continue
          const left = rewritePath(target.path, rewrite)
          const again = readRequestTarget(left)
          t.true(again.ok && again.path === left && again.query === '', `${sent} → ${left}`)
          t.true(left === '/' || target.path.endsWith(left), `${sent} → ${left}`)
          t.is(
            left === '/' ? 0 : left.split('/').length - 1,
            Math.max(target.path.split('/').length - 1 - segments.length, 0) -
              (target.path.endsWith('/') && left === '/' ? 1 : 0),
          )
          stripped++
        }
      },
    ),
    { numRuns: 1000 },
  )
  t.true(stripped > 500, `${stripped} of them`)
})

const name = fc.oneof(
  fc.constantFrom(...UNSETTABLE, 'X-Tenant', 'x_tenant', 'Content-Type', 'Cookie', 'Accept'),
  fc.stringMatching(/^[A-Za-z_.-]{1,12}$/),
)
const kindOf = headerKinds(OWNED)

test('no rewrite that passes the check touches a name of ours, the framing or the host', (t) => {
  const rules = headerRules(OWNED)
  const arrival = { remoteAddress: '192.0.2.7', scheme: 'https', httpVersion: '1.1' } as const
  let sound = 0
  fc.assert(
    fc.property(
      fc.array(name, { maxLength: 4 }),
      fc.array(name, { maxLength: 4 }),
      fc.array(name, { maxLength: 6 }),
      (set, remove, sent) => {
        const setHeaders = Object.fromEntries(
          set.map((one) => [one, { text: 'set', referenced: true }]),
        )
        const rewrite = { ...NOTHING, setHeaders, removeHeaders: remove }
        const made = forwardedHeaders(
          ['Host', 'h', 'Content-Length', '3', ...sent.flatMap((one) => [one, 'sent'])],
          rules,
          arrival,
        )
        if (faults(rewrite).length > 0 || !made.ok) return
        sound++
        const before = made.headers.slice(2)
        const after = rewriteHeaders([...made.headers], compileRewrite(rewrite), ORIGIN).slice(2)
        const protectedLines = (lines: readonly string[]) =>
          lines.filter((_, i) => {
            const folded = foldHeaderName(lines[i - (i % 2)] ?? '')
            const kind = kindOf(folded)
            return kind !== KIND.pass && kind !== KIND.contentType && kind !== KIND.authorization
          })
        t.deepEqual(protectedLines(after), protectedLines(before))
        const folded = new Set([...set, ...remove].map(foldHeaderName))
        for (let i = 0; i < after.length; i += 2) {
          if (folded.has(foldHeaderName(after[i] ?? ''))) t.is(after[i + 1], 'set')
        }
      },
    ),
    { numRuns: 3000 },
  )
  t.true(sound > 300, `${sound} of them`)
})
