import test from 'ava'
import fc from 'fast-check'

import { readRequestTarget } from '../../src/gateway/request-target.ts'
import { checkRoutePattern } from '../../src/gateway/route-pattern.ts'
import { compileRoutes } from '../../src/gateway/routes.ts'
import type { RouteMatch, RouteRule } from '../../src/gateway/routes.ts'

/** What a request gets, in one word: the pattern of the rule, `none`, or the methods allowed. */
function outcome(match: RouteMatch): string {
  if (match.kind === 'rule') return match.rule.path
  return match.kind === 'none' ? 'none' : `allow ${match.allow.join(' ')}`
}

const MATCHES: readonly (readonly [patterns: string, path: string, expected: string])[] = [
  ['/', '/', '/'],
  ['/', '/a', 'none'],
  ['/orders', '/orders', '/orders'],
  ['/orders', '/orders/', 'none'],
  ['/orders/', '/orders', 'none'],
  ['/orders', '/Orders', 'none'],
  ['/orders', '/ordersx', 'none'],
  ['/orders', '/orders/1', 'none'],
  ['/a.b', '/axb', 'none'],
  ['/a.b', '/a.b', '/a.b'],
  ['/a+', '/aa', 'none'],
  ['/orders/*', '/orders/1', '/orders/*'],
  ['/orders/*', '/orders/', 'none'],
  ['/orders/*', '/orders', 'none'],
  ['/orders/*', '/orders/1/2', 'none'],
  ['/orders/*/lines', '/orders/1/lines', '/orders/*/lines'],
  ['/orders/*/', '/orders/1/', '/orders/*/'],
  ['/*', '/', 'none'],
  ['/orders/**', '/orders', '/orders/**'],
  ['/orders/**', '/orders/', '/orders/**'],
  ['/orders/**', '/orders/1/2/3', '/orders/**'],
  ['/orders/**', '/ordersx', 'none'],
  ['/orders/**', '/', 'none'],
  ['/**', '/', '/**'],
  ['/**', '/a/b', '/**'],
  ['/*/**', '/', 'none'],
  ['/*/**', '/a', '/*/**'],
  // the first that fits decides, however exact a later one is
  ['/a/** /a/b', '/a/b', '/a/**'],
  ['/a/b /a/**', '/a/b', '/a/b'],
  ['/a/* /a/b', '/a/b', '/a/*'],
  ['/*/b /a/*', '/a/b', '/*/b'],
  ['/a/* /*/b', '/a/b', '/a/*'],
  ['/a/b/c /a/**', '/a/b/d', '/a/**'],
  ['/*/x/y /a/b/** /**', '/a/b/c', '/a/b/**'],
  // one path, however it is written
  ['/users/@me', '/users/%40me', '/users/@me'],
  ['/users/%40me', '/users/@me', '/users/%40me'],
  ['/caf%C3%A9', '/caf%c3%a9', '/caf%C3%A9'],
  ['/caf%c3%a9', '/caf%C3%A9', '/caf%c3%a9'],
  ['/a%20b', '/a%20b', '/a%20b'],
  ['/%2A', '/*', '/%2A'],
  ['/%2A', '/x', 'none'],
]

for (const [patterns, path, expected] of MATCHES) {
  test(`${path} among [${patterns}] gets ${expected}`, (t) => {
    t.true(readRequestTarget(path).ok)
    const routes = compileRoutes(patterns.split(' ').map((pattern) => ({ path: pattern })))
    t.is(outcome(routes.match('GET', path)), expected)
  })
}

test('the method picks among the rules of the pattern that decided, and falls through to no other', (t) => {
  const routes = compileRoutes([
    { path: '/orders/**', methods: ['GET'], scopes: ['read'] },
    { path: '/orders/**', methods: ['POST', 'delete'], scopes: ['write'] },
    { path: '/**', public: true },
  ])
  const get = routes.match('GET', '/orders/1')
  const post = routes.match('POST', '/orders/1')
  t.deepEqual(get.kind === 'rule' && get.rule.scopes, ['read'])
  t.deepEqual(post.kind === 'rule' && post.rule.scopes, ['write'])
  t.is(routes.match('DELETE', '/orders/1').kind, 'rule')
  t.deepEqual(routes.match('PUT', '/orders/1'), {
    kind: 'method',
    allow: ['GET', 'HEAD', 'POST', 'DELETE'],
  })
  t.is(routes.match('get', '/orders/1').kind, 'method')
  t.is(routes.match('__proto__', '/orders/1').kind, 'method')
})

test('GET admits HEAD, a rule without methods admits all, and one with an empty list none', (t) => {
  const routes = compileRoutes([
    { path: '/get', methods: ['GET'] },
    { path: '/any' },
    { path: '/no', methods: [] },
  ])
  t.is(routes.match('HEAD', '/get').kind, 'rule')
  t.is(routes.match('PURGE', '/any').kind, 'rule')
  t.deepEqual(routes.match('GET', '/no'), { kind: 'method', allow: [] })
})

test('of two rules that admit the same method on the same pattern the first counts', (t) => {
  const rules: RouteRule[] = [
    { path: '/a', methods: ['GET'], scopes: ['first'] },
    { path: '/a', scopes: ['second'] },
    { path: '/a', methods: ['PUT'], public: true },
  ]
  const routes = compileRoutes(rules)
  t.deepEqual(routes.match('GET', '/a'), { kind: 'rule', rule: rules[0] as RouteRule })
  t.deepEqual(routes.match('PUT', '/a'), { kind: 'rule', rule: rules[1] as RouteRule })
})

test('case and a trailing slash can be declared equal for upstreams that take them so', (t) => {
  const routes = compileRoutes([{ path: '/Admin/%C3%A9/' }, { path: '/' }], {
    ignoreCase: true,
    ignoreTrailingSlash: true,
  })
  for (const path of ['/admin/%c3%a9', '/ADMIN/%C3%A9/', '/Admin/%c3%A9/']) {
    t.is(outcome(routes.match('GET', path)), '/Admin/%C3%A9/')
  }
  t.is(outcome(routes.match('GET', '/')), '/')
  t.is(outcome(routes.match('GET', '/admin')), 'none')
})

const FAULTS: readonly (readonly [pattern: string, fault: RegExp])[] = [
  ['', /begin with "\/"/],
  ['orders', /begin with "\/"/],
  ['*', /begin with "\/"/],
  ['/a?b', /query/],
  ['/a//b', /"\/\/"/],
  ['/**/a', /only stand at the end/],
  ['/a*', /whole segment/],
  ['/***', /whole segment/],
  ['/orders/:id', /literally/],
  ['/orders/{id}', /literally/],
  ['/a/../b', /path-dot-segment/],
  ['/a b', /path-space/],
  ['/a;b', /path-semicolon/],
  ['/a#b', /path-fragment/],
  ['/%2e', /path-encoded-dot/],
  ['/%61dmin', /path-encoded-unreserved/],
  ['/caf\u00E9', /path-non-ascii/],
  [`/${'a'.repeat(1024)}`, /longer/],
]

for (const [pattern, fault] of FAULTS) {
  test(`the pattern ${JSON.stringify(pattern).slice(0, 40)} is a fault`, (t) => {
    t.regex(checkRoutePattern(pattern) ?? '', fault)
    t.throws(() => compileRoutes([{ path: pattern }]), { instanceOf: TypeError, message: fault })
  })
}

/** The specification, written without regard to cost. */
function naive(rules: readonly RouteRule[], method: string, path: string): RouteRule | string {
  const fits = (pattern: readonly string[], segments: readonly string[]): boolean => {
    const [first, ...others] = pattern
    if (first === '**') return true
    const [segment, ...rest] = segments
    if (first === undefined || segment === undefined) return pattern.length === segments.length
    const same = first === '*' ? segment !== '' : first === segment
    return same && fits(others, rest)
  }
  const split = (text: string): string[] => text.slice(1).split('/')
  const decider = rules.find((rule) => fits(split(rule.path), split(path)))
  if (decider === undefined) return 'none'
  const admits = ({ methods }: RouteRule): boolean =>
    methods === undefined ||
    methods.includes(method) ||
    (method === 'HEAD' && methods.includes('GET'))
  return rules.find((rule) => rule.path === decider.path && admits(rule)) ?? 'method'
}

const segment = fc.constantFrom('a', 'b', 'c', '*')
const pattern = fc
  .tuple(fc.array(segment, { maxLength: 4 }), fc.constantFrom([], ['**'], ['']))
  .map(([segments, end]) => `/${[...segments, ...end].join('/')}`)
  .filter((text) => checkRoutePattern(text) === undefined)
const rule = fc.record(
  { path: pattern, methods: fc.subarray(['GET', 'POST', 'PUT', 'HEAD']) },
  { requiredKeys: ['path'] },
)
const path = fc
  .tuple(fc.array(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 5 }), fc.constantFrom('', '/'))
  .map(([segments, slash]) => `/${segments.join('/')}${segments.length > 0 ? slash : ''}`)

test('it decides as the specification does', (t) => {
  const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PATCH')
  fc.assert(
    fc.property(fc.array(rule, { maxLength: 12 }), method, path, (rules, verb, text) => {
      const match = compileRoutes(rules).match(verb, text)
      const decided: RouteRule | string = match.kind === 'rule' ? match.rule : match.kind
      t.is(decided, naive(rules, verb, text))
    }),
    { numRuns: 3000 },
  )
})

test('every combination of wildcards at every depth still costs one visit of each node at most', (t) => {
  const depth = 12
  const rules = Array.from({ length: 2 ** depth }, (_, bits) => ({
    path: Array.from({ length: depth }, (_s, i) => ((bits >> i) & 1 ? '/*' : '/a')).join(''),
  })).toReversed()
  const routes = compileRoutes(rules)
  t.is(outcome(routes.match('GET', '/a'.repeat(depth))), '/*'.repeat(depth))
  t.is(outcome(routes.match('GET', '/a'.repeat(4000))), 'none')
})
