import test from 'ava'

import { recentRevocations } from '../../src/introspection/recent-revocations.ts'

test('a revocation is remembered for as long as an answer from before it may be', (t) => {
  let present = 0
  const revoked = recentRevocations({ lifetime: 1000, entries: 2, clock: () => present })
  revoked.add('one')
  present = 1000
  revoked.add('two')
  t.true(revoked.has('one'))
  present = 1001
  revoked.add('three')
  t.false(revoked.has('one'))
  t.true(revoked.has('two'))
  t.is(revoked.epoch, 0, 'what is too old makes room')
  revoked.add('two')
  t.is(revoked.epoch, 0, 'a token that is revoked twice takes one place')
  revoked.add('four')
  t.is(revoked.epoch, 1)
})

test('an id that is no id is not remembered', (t) => {
  const revoked = recentRevocations({ lifetime: 1000, entries: 2, clock: () => 0 })
  revoked.add('x'.repeat(101))
  t.false(revoked.has('x'.repeat(101)))
})
