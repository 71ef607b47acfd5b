import test from 'ava'
import fc from 'fast-check'

import { compileRoutes } from '../../src/gateway/routes.ts'
import type { RouteRule, Routes } from '../../src/gateway/routes.ts'

/** How many nodes of the tree a match looks at: each asks its own map for the next segment, and the last one for the method. */
function visits(routes: Routes, method: string, path: string): number {
  const { get } = Map.prototype
  let count = 0
  // oxlint-disable-next-line no-extend-native
  Map.prototype.get = function counting(this: Map<unknown, unknown>, key: unknown) {
    count++
    return get.call(this, key) as unknown
  }
  try {
    routes.match(method, path)
  } finally {
    // oxlint-disable-next-line no-extend-native
    Map.prototype.get = get
  }
  return count
}

/** Rules as an API of many resources has them. */
function manyRules(count: number): readonly RouteRule[] {
  const kinds = [
    (name: string) => ({ path: `/api/${name}`, methods: ['GET'] }),
    (name: string) => ({ path: `/api/${name}/*`, methods: ['GET', 'PUT'] }),
    (name: string) => ({ path: `/api/${name}/*/lines/**` }),
    (name: string) => ({ path: `/api/*/special/${name}` }),
    (name: string) => ({ path: `/${name}/**` }),
  ]
  const rules = Array.from({ length: count - 1 }, (_, index) =>
    kinds[index % kinds.length]?.(`resource-${Math.trunc(index / kinds.length)}`),
  )
  return [...rules.filter((rule) => rule !== undefined), { path: '/**' }]
}

const PATHS = [
  '/',
  '/api',
  '/api/resource-1',
  '/api/resource-0/7/lines/1/2/3',
  '/api/resource-19/special/resource-3',
  '/api/resource-19/7/nothing',
  '/resource-1/a/b/c/d',
  '/nothing/of/it',
  `/api${'/x'.repeat(2000)}`,
]

test('ten thousand rules cost no more visits than a hundred', (t) => {
  const [hundred, tenThousand] = [100, 10_000].map((count) => compileRoutes(manyRules(count)))
  if (!hundred || !tenThousand) throw new Error('unreachable')
  for (const path of PATHS) {
    const few = visits(hundred, 'GET', path)
    const many = visits(tenThousand, 'GET', path)
    t.true(few > 0 && many <= few + 1, `${path.slice(0, 40)}: ${few} and ${many}`)
    t.true(many <= 12, `${path.slice(0, 40)}: ${many}`)
  }
})

test('whatever the rules and the path, no node is visited twice', (t) => {
  const segment = fc.constantFrom('a', 'b', 'c', '*')
  const pattern = fc
    .tuple(fc.array(segment, { minLength: 1, maxLength: 8 }), fc.boolean())
    .map(([segments, open]) => `/${segments.join('/')}${open ? '/**' : ''}`)
  const sent = fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 12 })
    .map((segments) => `/${segments.join('/')}`)
  fc.assert(
    fc.property(fc.array(pattern, { minLength: 1, maxLength: 60 }), sent, (patterns, path) => {
      const prefixes = patterns.flatMap((one) => {
        const segments = one.replace(/\/\*\*$/, '').split('/')
        return segments.map((_, index) => segments.slice(0, index + 1).join('/'))
      })
      const nodes = new Set(prefixes).size
      const routes = compileRoutes(patterns.map((one) => ({ path: one })))
      t.true(visits(routes, 'GET', path) <= nodes + 1)
    }),
    { numRuns: 500 },
  )
})

test('what stands after the rule that decides is not looked at', (t) => {
  const after = Array.from({ length: 50 }, (_, depth) => ({ path: `/a${'/b'.repeat(depth)}/**` }))
  const routes = compileRoutes([{ path: '/a/**' }, ...after])
  t.true(visits(routes, 'GET', `/a${'/b'.repeat(50)}`) <= 4)
})
