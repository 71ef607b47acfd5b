import test from 'ava'
import * as fc from 'fast-check'

import { restartPace } from '../../src/workers/restart-pace.ts'

function world() {
  const clock = { now: 1_000_000 }
  return { clock, pace: restartPace(() => clock.now) }
}

test('the first that ends is replaced at once, further ones later and later', (t) => {
  const { pace } = world()
  const delays = Array.from({ length: 9 }, () => pace.ended())
  t.deepEqual(delays, [0, 250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000])
})

test('five in a minute are too many; a minute later all is well again', (t) => {
  const { clock, pace } = world()
  for (let count = 0; count < 4; count++) pace.ended()
  t.false(pace.isFailing)
  pace.ended()
  t.true(pace.isFailing)
  clock.now += 60_000
  t.false(pace.isFailing)
  t.is(pace.ended(), 0)
})

test('however often it ends, it is tried again, and no more than seven times a minute for long', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 200 }), (lives) => {
      const { clock, pace } = world()
      const ends: number[] = []
      for (const life of lives) {
        clock.now += life
        ends.push(clock.now)
        const delay = pace.ended()
        if (delay < 0 || delay > 10_000) return false
        clock.now += delay
      }
      return ends.every(
        (at) => ends.filter((other) => other >= at && other < at + 60_000).length <= 14,
      )
    }),
  )
  t.pass()
})
