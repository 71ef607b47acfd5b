import test from 'ava'

import { Attempt } from '../../../src/gateway/upstreams/attempt.ts'
import type { Answering } from '../../../src/gateway/upstreams/attempt.ts'
import { createBalancer } from '../../../src/gateway/upstreams/balancer.ts'
import type { Balancer } from '../../../src/gateway/upstreams/balancer.ts'
import type { Dispatching } from '../../../src/gateway/upstreams/dispatching.ts'
import { newTarget } from '../../../src/gateway/upstreams/target.ts'
import type { Target } from '../../../src/gateway/upstreams/target.ts'
import { targetAddress } from '../../../src/gateway/upstreams/target-address.ts'

const RULES = { failures: 3, period: 1000, maxPeriod: 5000 }

/** The balancer sends nothing itself. */
const NOWHERE: Dispatching = {
  dispatch: () => undefined,
  close: () => Promise.resolve(),
  destroy: () => Promise.resolve(),
}

interface Stage {
  readonly balancer: Balancer
  readonly targets: readonly Target[]
  /** Lets time pass, in milliseconds. */
  pass(milliseconds: number): void
  readonly told: readonly string[]
  /** Names of the targets of so many requests, none of which ends. */
  chosen(count: number): string
}

function stage(count: number): Stage {
  const names = Array.from({ length: count }, (_, i) => `http://${'abcdef'[i] ?? ''}`)
  const [first, ...others] = names.map((name) =>
    newTarget(targetAddress(name), undefined, NOWHERE),
  ) as [Target, ...Target[]]
  let now = 1
  const told: string[] = []
  const nameOf = ({ address }: Target): string => address.host
  const balancer = createBalancer([first, ...others], RULES, () => now, {
    onChange: (target, isIn, why) =>
      told.push(`${nameOf(target)} ${isIn ? 'in' : `out: ${why ?? ''}`}`),
    onFailure: () => undefined,
  })
  return {
    balancer,
    targets: balancer.targets,
    pass(milliseconds) {
      now += milliseconds
    },
    told,
    chosen(requests) {
      return Array.from({ length: requests }, () => {
        const target = balancer.choose()
        target.underWay++
        return nameOf(target)
      }).join('')
    },
  }
}

function fail({ balancer }: Stage, target: Target | undefined, times: number): void {
  if (target) for (let i = 0; i < times; i++) balancer.failed(target, 'upstream-refused')
}

test('the least busy target is chosen, and those alike take turns', (t) => {
  const { balancer, targets, chosen } = stage(3)
  const [a, , c] = targets
  t.is([...chosen(6)].toSorted().join(''), 'aabbcc')
  if (a) a.underWay = 0
  t.is(chosen(2), 'aa')
  if (c) c.underWay = 0
  t.is(balancer.choose().address.host, 'c')
  const idle = stage(3)
  const turns = Array.from({ length: 6 }, () => idle.balancer.choose().address.host)
  t.is(turns.toSorted().join(''), 'aabbcc')
})

test('a target that was tried is not chosen again unless it is the only one', (t) => {
  const { balancer, targets } = stage(2)
  const [a] = targets
  for (let i = 0; i < 4; i++) t.is(balancer.choose(a).address.host, 'b')
  const alone = stage(1)
  t.is(alone.balancer.choose(alone.targets[0]).address.host, 'a')
})

test('failures in a row put a target out; an answer in between counts them anew', (t) => {
  const one = stage(2)
  const [a] = one.targets
  fail(one, a, 2)
  if (a) one.balancer.succeeded(a)
  fail(one, a, 2)
  t.deepEqual(one.told, [])
  fail(one, a, 1)
  t.deepEqual(one.told, ['a out: upstream-refused'])
  t.is(one.chosen(10), 'b'.repeat(10))
})

test('after its time one request tries a target that is out, and an answer brings it back', (t) => {
  const one = stage(2)
  const [a] = one.targets
  fail(one, a, 3)
  one.pass(999)
  t.is(one.chosen(3), 'bbb')
  one.pass(1)
  t.is(one.chosen(3), 'abb')
  if (a) one.balancer.succeeded(a)
  t.deepEqual(one.told, ['a out: upstream-refused', 'a in'])
  t.is(one.chosen(3), 'aaa')
})

test('a target that fails when it is tried is out for twice as long, up to a limit', (t) => {
  const one = stage(2)
  const [a] = one.targets
  fail(one, a, 3)
  for (const period of [1000, 2000, 4000, 5000, 5000]) {
    one.pass(period - 1)
    t.is(one.chosen(1), 'b', `${period}`)
    one.pass(1)
    t.is(one.chosen(2), 'ab', `${period}`)
    fail(one, a, 1)
  }
  t.deepEqual(one.told, ['a out: upstream-refused'])
})

test('a target that flaps is out for longer each time, and one that stayed well begins anew', (t) => {
  const one = stage(2)
  const [a] = one.targets
  fail(one, a, 3)
  t.is(a?.lastOut, 1000)
  one.pass(1000)
  t.is(one.chosen(1), 'a')
  if (a) one.balancer.succeeded(a)
  one.pass(500)
  fail(one, a, 3)
  t.is(a?.lastOut, 2000)
  one.pass(2000)
  t.is(one.balancer.choose().address.host, 'a')
  if (a) one.balancer.succeeded(a)
  one.pass(2000)
  fail(one, a, 3)
  t.is(a?.lastOut, 1000)
})

test('failures of requests from before do not make it longer', (t) => {
  const one = stage(2)
  const [a] = one.targets
  fail(one, a, 20)
  t.is(a?.lastOut, 1000)
  t.is(one.told.length, 1)
})

test('a request whose client has gone found out nothing: another one tries', (t) => {
  const one = stage(2)
  const [a] = one.targets
  fail(one, a, 3)
  one.pass(1000)
  t.is(one.chosen(2), 'ab')
  if (a) one.balancer.undecided(a)
  t.is(one.chosen(1), 'a')
})

test('when all are out all are used', (t) => {
  const one = stage(2)
  const [a, b] = one.targets
  fail(one, a, 3)
  fail(one, b, 3)
  t.is([...one.chosen(4)].toSorted().join(''), 'aabb')
  if (b) one.balancer.succeeded(b)
  t.is(one.chosen(2), 'bb')
})

test('health checks put a target out and bring it back, whatever requests say', (t) => {
  const one = stage(2)
  const [a] = one.targets as [Target, Target]
  one.balancer.checked(a, false, 'status 500')
  one.balancer.succeeded(a)
  t.is(one.chosen(2), 'bb')
  one.pass(100_000)
  t.is(one.chosen(2), 'bb')
  one.balancer.checked(a, true)
  t.is(one.chosen(1), 'a')
  t.deepEqual(one.told, ['a out: status 500', 'a in'])
})

test('a target is back only when health checks and requests both say so', (t) => {
  const one = stage(2)
  const [a] = one.targets as [Target, Target]
  fail(one, a, 3)
  one.balancer.checked(a, false, 'status 500')
  one.balancer.checked(a, true)
  t.is(one.chosen(1), 'b')
  one.pass(1000)
  t.is(one.chosen(1), 'a')
  one.balancer.checked(a, false, 'status 500')
  one.balancer.succeeded(a)
  t.deepEqual(one.told, ['a out: upstream-refused'])
  one.balancer.checked(a, true)
  t.deepEqual(one.told, ['a out: upstream-refused', 'a in'])
})

test('a target is asked again when the client of the request that was to find out left in the middle of the answer', (t) => {
  const here = stage(2)
  const [ill] = here.targets
  fail(here, ill, RULES.failures)
  here.pass(RULES.period)
  const found = [here.balancer.choose(), here.balancer.choose()].find((one) => one === ill)
  t.is(found, ill)
  const attempt = new Attempt(ill as Target, here.balancer, {} as Answering)
  attempt.onResponseStarted()
  attempt.abandon()
  t.true([here.balancer.choose(), here.balancer.choose()].includes(ill as Target))
})
