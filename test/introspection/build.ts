import { recentRevocations } from '../../src/introspection/recent-revocations.ts'
import type { RecentRevocations } from '../../src/introspection/recent-revocations.ts'
import { introspectionCache } from '../../src/introspection/introspection-cache.ts'
import type { IntrospectionCache, Lookup } from '../../src/introspection/introspection-cache.ts'
import type { ActiveToken, Introspection } from '../../src/introspection/introspection.ts'
import type { CacheLimits } from '../../src/introspection/kept-answer.ts'

export const LIMITS: CacheLimits = {
  size: 1024 * 1024,
  maxAge: 300_000,
  withoutExpiry: 10_000,
  maxStale: 60_000,
  inactiveAge: 10_000,
}

/** A moment on the wall; the clock that only goes forward begins at 1000. */
export const NOON = Date.parse('2026-01-01T12:00:00Z')

/** An issuer that answers as it is told, and both clocks. */
export interface Bench {
  readonly cache: IntrospectionCache
  readonly revoked: RecentRevocations
  readonly lookup: Lookup
  /** The tokens that were asked about. */
  readonly asked: string[]
  /** What the issuer does from now on. */
  answer: (token: string) => Introspection | Promise<Introspection>
  /** The look-up at the present time. */
  get(token?: string): Introspection | Promise<Introspection>
  /** Both clocks go on. */
  pass(milliseconds: number): void
  /** Only the clock on the wall is moved. */
  moveWall(milliseconds: number): void
  wall(): number
}

export function aBench(limits: Partial<CacheLimits> = {}, remembered = 3_600_000): Bench {
  let steady = 1000
  let wall = NOON
  const clock = () => steady
  const revoked = recentRevocations({ lifetime: remembered, entries: 3, clock })
  const cache = introspectionCache({ ...LIMITS, ...limits }, revoked, clock)
  const asked: string[] = []
  const bench: Bench = {
    cache,
    revoked,
    asked,
    answer: () => aToken(),
    lookup: cache.around(async (token) => {
      asked.push(token)
      return bench.answer(token)
    }, 'one'),
    get: (token = 'token') => bench.lookup(token, new Date(wall)),
    pass(milliseconds) {
      steady += milliseconds
      wall += milliseconds
    },
    moveWall(milliseconds) {
      wall += milliseconds
    },
    wall: () => wall,
  }
  return bench
}

/** An active token that ends in an hour from noon, but for what is said. */
export function aToken(overrides: Partial<ActiveToken> = {}): ActiveToken {
  return {
    active: true,
    id: 'an id',
    clientId: 'orders',
    scopes: ['read'],
    audience: ['api'],
    expiresAt: new Date(NOON + 3_600_000),
    ...overrides,
  }
}

/** The same of another issuer. */
export function aForeignToken(overrides: Partial<ActiveToken> = {}): ActiveToken {
  const { id: _, ...token } = aToken(overrides)
  return { issuer: 'https://other.example', ...token }
}

/** Lets everything that waits for nothing but its turn go on. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await Promise.resolve()
}
