import test from 'ava'

import plugin, { memoryStore } from '../../../plugins/state-stores/memory.ts'
import { setUp } from '../../contract/set-up.ts'

function aClock(start = 1_000_000) {
  let time = start
  return {
    now: () => time,
    after: (milliseconds: number) => new Date(time + milliseconds),
    pass(milliseconds: number) {
      time += milliseconds
    },
  }
}

test('it says that it is neither shared nor durable', async (t) => {
  t.like(await setUp(plugin), { shared: false, durable: false })
})

test('a value lives until its time and not a millisecond longer', async (t) => {
  const clock = aClock()
  const store = memoryStore({ maxEntries: 10, now: clock.now })
  await store.set('a', '1', clock.after(1000))
  clock.pass(999)
  t.is(await store.get('a'), '1')
  t.false(await store.add('a', '2', clock.after(1000)))
  clock.pass(1)
  t.is(await store.get('a'), undefined)
  t.true(await store.add('a', '2', clock.after(1000)))
})

test('full, it takes nothing new rather than drop what still holds', async (t) => {
  const clock = aClock()
  const store = memoryStore({ maxEntries: 2, now: clock.now })
  await store.add('a', '1', clock.after(1000))
  await store.set('b', '1')
  await t.throwsAsync(store.add('c', '1', clock.after(1000)), { message: /full: 2 entries/ })
  await t.throwsAsync(store.set('c', '1'), { message: /full/ })
  await t.throwsAsync(store.increment('c', clock.after(1000)), { message: /full/ })
  t.is(await store.get('a'), '1')
  t.is(await store.get('c'), undefined)
})

test('full, it still changes what it has', async (t) => {
  const clock = aClock()
  const store = memoryStore({ maxEntries: 1, now: clock.now })
  t.is(await store.increment('a', clock.after(1000)), 1)
  t.is(await store.increment('a', clock.after(1000)), 2)
  await store.set('a', 'x')
  t.is(await store.get('a'), 'x')
})

test('full, it makes room by what has expired', async (t) => {
  const clock = aClock()
  const store = memoryStore({ maxEntries: 3, now: clock.now })
  await store.add('lasting', '1')
  await store.add('b', '1', clock.after(1000))
  await store.add('c', '1', clock.after(5000))
  clock.pass(1000)
  t.true(await store.add('d', '1'))
  await t.throwsAsync(store.add('e', '1'))
  clock.pass(4000)
  t.true(await store.add('e', '1'))
  t.is(await store.get('lasting'), '1')
})

test('after a deletion there is room', async (t) => {
  const store = memoryStore({ maxEntries: 1 })
  await store.set('a', '1')
  await store.delete('a')
  t.true(await store.add('b', '1'))
})

test('the number of entries is an option', async (t) => {
  const store = await setUp(plugin, { maxEntries: 1 })
  await store.set('a', '1')
  await t.throwsAsync(store.set('b', '1'))
  await t.throwsAsync(setUp(plugin, { maxEntries: 0 }))
})
