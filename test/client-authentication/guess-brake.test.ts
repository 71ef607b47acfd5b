import test from 'ava'

import { memoryStore } from '../../plugins/state-stores/memory.ts'
import { guessBrake } from '../../src/client-authentication/guess-brake.ts'
import type { Guess } from '../../src/client-authentication/guess-brake.ts'
import { countsHere, countsIn } from '../../src/client-authentication/guess-counts.ts'

const LIMITS = { threshold: 3, window: 60_000, maxDelay: 5000 }

function world(shared = false) {
  const clock = { now: 1_000_000 }
  const delays: number[] = []
  const suspected: Guess[] = []
  const memory = memoryStore({ maxEntries: 1000, now: () => clock.now })
  const store = { ...memory, shared }
  const make = () =>
    guessBrake({
      counts: countsIn(store, () => clock.now),
      processes: 1,
      now: () => clock.now,
      sleep: async (milliseconds) => {
        delays.push(milliseconds)
      },
      onSuspicion: (guess) => suspected.push(guess),
    })
  return { clock, delays, suspected, store, make }
}

const guess = (clientId: string, source = '192.0.2.1'): Guess => ({ clientId, source })

test('the first wrong secrets are answered at once, further ones later and later', async (t) => {
  const { delays, suspected, make } = world()
  const brake = make()
  for (let index = 0; index < 12; index++) await brake.failed(guess('batch'), LIMITS)
  t.deepEqual(delays, [100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000])
  t.deepEqual(suspected, [guess('batch')])
})

test('another source is not slowed down', async (t) => {
  const { delays, make } = world()
  const brake = make()
  for (let index = 0; index < 3; index++) await brake.failed(guess('batch'), LIMITS)
  await brake.failed(guess('batch', '192.0.2.2'), LIMITS)
  t.deepEqual(delays, [])
})

test('all addresses of one IPv6 network are one source, for whoever has one has them all', async (t) => {
  const { delays, make } = world()
  const brake = make()
  for (let index = 0; index < 4; index++) {
    await brake.failed(guess('batch', `2001:db8:0:1::${index}`), LIMITS)
  }
  await brake.failed(guess('batch', '2001:db8:0:2::1'), LIMITS)
  t.deepEqual(delays, [100])
})

test('one secret tried for many clients slows its source down too', async (t) => {
  const { delays, make } = world()
  const brake = make()
  for (let index = 0; index < 31; index++) await brake.failed(guess(`client ${index}`), LIMITS)
  t.deepEqual(delays, [100])
})

test('of a source no more than twenty refusals are kept back in all workers, and nothing is said of further ones', async (t) => {
  for (const [processes, most] of [
    [1, 20],
    [8, 3],
  ] as const) {
    const { promise: bell, resolve: ring } = Promise.withResolvers<void>()
    const brake = guessBrake({
      counts: countsHere(() => 0),
      processes,
      now: () => 0,
      sleep: () => bell,
      onSuspicion: () => undefined,
    })
    for (let index = 0; index < 3; index++) t.true(await brake.failed(guess('batch'), LIMITS))
    const kept = Array.from({ length: most }, () => brake.failed(guess('batch'), LIMITS))
    await new Promise(setImmediate)
    t.false(await brake.failed(guess('batch'), LIMITS))
    ring()
    t.deepEqual(new Set(await Promise.all(kept)), new Set([true]))
    t.true(await brake.failed(guess('batch'), LIMITS))
  }
})

test('what was wrong is forgotten after the window', async (t) => {
  const { clock, delays, make } = world()
  const brake = make()
  for (let index = 0; index < 3; index++) await brake.failed(guess('batch'), LIMITS)
  clock.now += LIMITS.window
  await brake.failed(guess('batch'), LIMITS)
  t.deepEqual(delays, [])
})

test('replicas with a shared store count together', async (t) => {
  const { delays, make } = world(true)
  const [one, other] = [make(), make()]
  for (let index = 0; index < 2; index++) {
    await one.failed(guess('batch'), LIMITS)
    await other.failed(guess('batch'), LIMITS)
  }
  t.deepEqual(delays, [100])
})

test('without its shared store each replica counts for itself', async (t) => {
  const { delays, store, make } = world(true)
  store.increment = () => Promise.reject(new Error('down'))
  const brake = make()
  for (let index = 0; index < 4; index++) await brake.failed(guess('batch'), LIMITS)
  t.deepEqual(delays, [100])
})
