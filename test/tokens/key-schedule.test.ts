import test from 'ava'
import fc from 'fast-check'

import { currentOf, nextActivation, publishedOf } from '../../src/tokens/key-schedule.ts'
import type { Rotation, Scheduled } from '../../src/tokens/key-schedule.ts'

const DAY = 86_400_000
const ROTATION: Rotation = { interval: 90 * DAY, propagation: 14 * DAY, retention: 14 * DAY }

test('the first key signs at once', (t) => {
  t.is(nextActivation([], 5 * DAY, ROTATION), 5 * DAY)
})

test('the next key is made so long before it signs as it is published first', (t) => {
  const keys = [{ activeFrom: 0 }]
  t.is(nextActivation(keys, 76 * DAY - 1, ROTATION), undefined)
  t.is(nextActivation(keys, 76 * DAY, ROTATION), 90 * DAY)
})

test('a key that is made late still is published before it signs', (t) => {
  t.is(nextActivation([{ activeFrom: 0 }], 200 * DAY, ROTATION), 214 * DAY)
})

test('a key that was made and does not sign yet is not made again', (t) => {
  t.is(nextActivation([{ activeFrom: 0 }, { activeFrom: 90 * DAY }], 80 * DAY, ROTATION), undefined)
})

test('a key signs from its moment on, and its predecessor until then', (t) => {
  const [old, next] = [{ activeFrom: 0 }, { activeFrom: 90 * DAY }]
  t.is(currentOf([next, old], 90 * DAY - 1), old)
  t.is(currentOf([next, old], 90 * DAY), next)
})

test('a clock that was set back before all keys leaves the oldest signing', (t) => {
  t.deepEqual(currentOf([{ activeFrom: 10 }, { activeFrom: 20 }], 5), { activeFrom: 10 })
})

test('a key is published until the last token that it signed has died', (t) => {
  const keys = [{ activeFrom: 0 }, { activeFrom: 90 * DAY }]
  t.is(publishedOf(keys, 104 * DAY - 1, ROTATION).length, 2)
  t.deepEqual(publishedOf(keys, 104 * DAY, ROTATION), [{ activeFrom: 90 * DAY }])
})

test('whenever it is looked after, somebody signs, and only with a key published long enough', (t) => {
  const pauses = fc.array(fc.integer({ min: 1, max: 60 * DAY }), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(pauses, (steps) => {
      const keys: (Scheduled & { readonly made: number })[] = []
      let now = 0
      for (const step of steps) {
        now += step
        const activeFrom = nextActivation(keys, now, ROTATION)
        if (activeFrom !== undefined) keys.push({ activeFrom, made: now })
        const current = currentOf(keys, now)
        if (!current || current.activeFrom > now) return false
        const isFirst = current === keys[0]
        if (!isFirst && current.activeFrom - current.made < ROTATION.propagation) return false
        if (!publishedOf(keys, now, ROTATION).includes(current)) return false
      }
      return true
    }),
  )
  t.pass()
})
