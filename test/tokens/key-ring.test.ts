import test from 'ava'

import { memoryStore } from '../../plugins/state-stores/memory.ts'
import { openKeyRing } from '../../src/tokens/key-ring.ts'
import type { KeyRingOptions } from '../../src/tokens/key-ring.ts'
import { sealOf } from '../../src/tokens/seal.ts'

const DAY = 86_400_000
const ROTATION = { interval: 90 * DAY, propagation: 14 * DAY, retention: 14 * DAY }

function world(start = Date.UTC(2030, 0, 1)) {
  const clock = { now: start }
  const store = memoryStore({ maxEntries: 1000, now: () => clock.now })
  const open = (more: Partial<KeyRingOptions> = {}) =>
    openKeyRing({
      store,
      algorithm: 'ES256',
      seal: sealOf(undefined),
      rotation: ROTATION,
      now: () => clock.now,
      onFailure: (error) => {
        throw error
      },
      ...more,
    })
  return { clock, store, open }
}

test('replicas that start at once agree on one key', async (t) => {
  const { open } = world()
  const rings = await Promise.all(Array.from({ length: 20 }, () => open()))
  t.is(new Set(rings.map(({ current }) => current.kid)).size, 1)
  for (const ring of rings) ring.close()
})

test('a key is published before it signs, and after', async (t) => {
  const { clock, open } = world()
  const ring = await open()
  t.teardown(() => ring.close())
  const first = ring.current.kid
  clock.now += 76 * DAY
  await ring.refresh()
  t.is(ring.current.kid, first)
  const [, second = ''] = [...ring.keys.keys()]
  t.is(ring.keys.size, 2)
  clock.now += 14 * DAY
  t.is(ring.current.kid, second)
  await ring.refresh()
  t.true(ring.keys.has(first))
  clock.now += 14 * DAY
  await ring.refresh()
  t.deepEqual([...ring.keys.keys()], [second])
})

test('replicas that refresh at different times have every key before it signs', async (t) => {
  const { clock, open } = world()
  const rings = [await open(), await open()] as const
  const [one, other] = rings
  for (let day = 0; day < 400; day += 5) {
    clock.now += 5 * DAY
    await (day % 2 === 0 ? one : other).refresh()
    t.true(other.keys.has(one.current.kid), `day ${day}`)
    t.true(one.keys.has(other.current.kid), `day ${day}`)
  }
  for (const ring of rings) ring.close()
})

test('a key that another replica made just now is found by its id', async (t) => {
  const { clock, open } = world()
  const [one, other] = [await open(), await open()]
  clock.now += 76 * DAY
  await one.refresh()
  const kid = [...one.keys.keys()].find((id) => id !== one.current.kid) ?? ''
  t.false(other.keys.has(kid))
  t.is((await other.find(kid))?.kid, kid)
  one.close()
  other.close()
})

test('made-up key ids do not send us to the store more than once a second', async (t) => {
  const { clock, store, open } = world()
  const calls = { count: 0 }
  const counting = {
    ...store,
    get: (key: string) => {
      calls.count++
      return store.get(key)
    },
  }
  const ring = await open({ store: counting })
  t.teardown(() => ring.close())
  t.is(await ring.find('nobody'), undefined)
  const once = calls.count
  for (let index = 0; index < 50; index++) await ring.find(`nobody ${index}`)
  t.is(calls.count, once)
  clock.now += 1000
  await ring.find('nobody')
  t.true(calls.count > once)
})

test('keys survive in the store, sealed when there is a key for it', async (t) => {
  const { store, open } = world()
  const plain = await open()
  const { kid } = plain.current
  plain.close()
  t.regex((await store.get('signing-key:ES256:1')) ?? '', /"d":/)
  const seal = sealOf('a key of 32 or more characters, at least')
  const sealed = await open({ seal })
  t.is(sealed.current.kid, kid)
  sealed.close()
  t.notRegex((await store.get('signing-key:ES256:1')) ?? '', /"d":/)
  await t.throwsAsync(open({ seal: sealOf('another key of 32 or more characters') }), {
    message: /another tokens.encryptionKey/,
  })
  await t.throwsAsync(open(), { message: /encryptionKey is not set/ })
})

test('after a change of the algorithm the keys before it go on vouching', async (t) => {
  const { open } = world()
  const before = await open()
  const after = await open({ algorithm: 'RS256' })
  t.is(after.current.algorithm, 'RS256')
  t.true(after.keys.has(before.current.kid))
  before.close()
  after.close()
})

test('a store that fails leaves the keys at hand signing', async (t) => {
  const { clock, store, open } = world()
  let isDown = false
  const failing = {
    ...store,
    get: (key: string) => (isDown ? Promise.reject(new Error('down')) : store.get(key)),
  }
  const ring = await open({ store: failing })
  t.teardown(() => ring.close())
  const { kid } = ring.current
  isDown = true
  clock.now += 76 * DAY
  await t.throwsAsync(ring.refresh(), { message: 'down' })
  t.is(ring.current.kid, kid)
  t.true(ring.keys.has(kid))
})
