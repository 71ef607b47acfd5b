/* oxlint-disable no-await-in-loop -- the order of the calls is what is tested */
import type { ExecutionContext } from 'ava'
import * as fc from 'fast-check'

import type { StateStore } from '#contract'

/** Opens a fresh, empty store that is closed when the test ends. */
export type OpenStore = (t: { teardown(close: () => Promise<void>): void }) => Promise<StateStore>

/** Declares a test; ava's own `test` is one. */
export type Declare = (title: string, run: (t: ExecutionContext) => Promise<void>) => void

const PAST = new Date(1000)
const FUTURE = new Date(4e12)

/** What every state store must hold to. */
export function stateStoreContract(test: Declare, name: string, open: OpenStore): void {
  test(`${name}: gives back what was set, and nothing for a key that was not`, async (t) => {
    const store = await open(t)
    await store.set('a', '1')
    await store.set('b', '', FUTURE)
    t.is(await store.get('a'), '1')
    t.is(await store.get('b'), '')
    t.is(await store.get('c'), undefined)
    await store.set('a', '2')
    t.is(await store.get('a'), '2')
    await store.delete('a')
    await store.delete('never set')
    t.is(await store.get('a'), undefined)
  })

  test(`${name}: any text is a key and a value of its own`, async (t) => {
    const store = await open(t)
    const texts = [
      '__proto__',
      'constructor',
      'a\0b',
      'a',
      "'; DROP TABLE entries; --",
      '€',
      '%',
      ' ',
      '',
    ]
    for (const text of texts) await store.set(text, `value of ${text}`)
    for (const text of texts) t.is(await store.get(text), `value of ${text}`)
    t.is(await store.get('toString'), undefined)
  })

  test(`${name}: a value is gone after its time`, async (t) => {
    const store = await open(t)
    await store.set('a', '1', PAST)
    t.is(await store.get('a'), undefined)
    await store.set('a', '1', FUTURE)
    t.is(await store.get('a'), '1')
    await store.set('a', '2', PAST)
    t.is(await store.get('a'), undefined)
  })

  test(`${name}: a date that is none is an error`, async (t) => {
    const store = await open(t)
    const never = new Date(Number.NaN)
    await t.throwsAsync(store.set('a', '1', never))
    await t.throwsAsync(store.add('a', '1', never))
    await t.throwsAsync(store.increment('a', never))
    t.is(await store.get('a'), undefined)
  })

  test(`${name}: adds a key once while it lives`, async (t) => {
    const store = await open(t)
    t.true(await store.add('a', '1', FUTURE))
    t.false(await store.add('a', '2', FUTURE))
    t.is(await store.get('a'), '1')
    t.true(await store.add('b', '1', PAST))
    t.true(await store.add('b', '2'))
    t.false(await store.add('b', '3'))
    await store.delete('b')
    t.true(await store.add('b', '4'))
  })

  test(`${name}: of a hundred who add the same key at once exactly one succeeds`, async (t) => {
    const store = await open(t)
    const added = await Promise.all(
      Array.from({ length: 100 }, (_, index) => store.add('a', String(index), FUTURE)),
    )
    t.is(added.filter(Boolean).length, 1)
    t.is(await store.get('a'), String(added.indexOf(true)))
  })

  test(`${name}: a hundred increments at once count to a hundred`, async (t) => {
    const store = await open(t)
    const counts = await Promise.all(
      Array.from({ length: 100 }, () => store.increment('a', FUTURE)),
    )
    t.deepEqual(
      counts.toSorted((a, b) => a - b),
      Array.from({ length: 100 }, (_, index) => index + 1),
    )
    t.is(await store.get('a'), '100')
  })

  test(`${name}: a counter ends when its first count said, and begins anew`, async (t) => {
    const store = await open(t)
    t.is(await store.increment('a', FUTURE), 1)
    t.is(await store.increment('a', PAST), 2)
    t.is(await store.increment('a', FUTURE), 3)
    t.is(await store.increment('b', PAST), 1)
    t.is(await store.increment('b', PAST), 1)
    await store.set('c', '5')
    t.is(await store.increment('c', PAST), 6)
    t.is(await store.increment('c', PAST), 7)
  })

  test(`${name}: does the same as a table of values, whatever is asked in whatever order`, async (t) => {
    const property = fc.asyncProperty(fc.array(command, { maxLength: 30 }), async (commands) => {
      const store = await open(t)
      const model = new Map<string, { readonly value: string; readonly until: Date | undefined }>()
      for (const { act, key, value, until } of commands) {
        const entry = model.get(key)
        if (act === 'get') t.is(await store.get(key), entry?.value)
        if (act === 'set') await store.set(key, value, until)
        if (act === 'add') t.is(await store.add(key, value, until), entry === undefined)
        if (act === 'delete') await store.delete(key)
        if (act === 'delete') model.delete(key)
        const written = act === 'set' || (act === 'add' && entry === undefined)
        if (!written) continue
        if (until === PAST) model.delete(key)
        else model.set(key, { value, until })
      }
      await store.close()
    })
    await fc.assert(property, { numRuns: 30 })
  })

  test(`${name}: tells each subscriber of a channel, until the subscription ends`, async (t) => {
    const store = await open(t)
    const heard: string[] = []
    const told = (who: string) =>
      new Promise<void>((resolve) => {
        void store.subscribe('error', (message) => resolve(void heard.push(`${who} ${message}`)))
      })
    const both = Promise.all([told('one'), told('two')])
    const end = await store.subscribe('error', (message) => heard.push(`three ${message}`))
    await end()
    await store.publish('nobody listens', 'x')
    await store.publish('error', 'x')
    await both
    t.deepEqual(heard.toSorted(), ['one x', 'two x'])
  })

  test(`${name}: once closed it rejects instead of answering, and closes twice`, async (t) => {
    const store = await open(t)
    await store.set('a', '1')
    await store.close()
    await store.close()
    await t.throwsAsync(store.get('a'))
    await t.throwsAsync(store.set('a', '1'))
    await t.throwsAsync(store.add('a', '1'))
    await t.throwsAsync(store.delete('a'))
    await t.throwsAsync(store.increment('a', FUTURE))
  })
}

const command = fc.record({
  act: fc.constantFrom('get', 'set', 'add', 'delete'),
  key: fc.constantFrom('a', 'b', 'c'),
  value: fc.string(),
  until: fc.constantFrom(undefined, PAST, FUTURE),
})
