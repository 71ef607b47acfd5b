import test from 'ava'

import { memoryStore } from '../../plugins/state-stores/memory.ts'
import { countsHere } from '../../src/client-authentication/guess-counts.ts'
import { replayGuard } from '../../src/client-authentication/replay-guard.ts'
import { StateUnavailableError } from '../../src/errors.ts'
import { dialogue } from '../../src/workers/dialogue.ts'
import type { PrimaryServices } from '../../src/workers/worker-services.ts'
import { remoteStore } from '../../src/workers/remote-store.ts'
import { storeServices } from '../../src/workers/store-services.ts'
import { stateStoreContract } from '../contract/state-store.ts'
import { wirePair } from './support/wired.ts'

/** A store in a primary, and as many workers as are wanted. */
function world(maxEntries = 1000) {
  const store = memoryStore({ maxEntries })
  const guesses = countsHere(() => 0)
  return {
    store,
    worker() {
      const [here, there] = wirePair()
      const { services, leave } = storeServices(store, guesses, (channel, message) => {
        worker.tell('heard', channel, message)
      })
      const worker = dialogue<Pick<typeof remote, 'heard'>, PrimaryServices>(there, services)
      const primary = dialogue<PrimaryServices, Pick<typeof remote, 'heard'>>(here, {
        heard: (channel, message) => {
          remote.heard(channel, message)
        },
      })
      const remote = remoteStore(primary, store)
      return { ...remote, primary, leave }
    },
  }
}

stateStoreContract(test, 'the store of the primary', async (t) => {
  const { store } = world().worker()
  t.teardown(() => store.close())
  return store
})

test('it is shared, and as durable as that of the primary', (t) => {
  t.like(world().worker().store, { shared: true, durable: false })
})

test('what one worker says all hear, itself too, until it is gone', async (t) => {
  const { worker, store } = world()
  const [one, other] = [worker(), worker()]
  const heard: string[] = []
  await one.store.subscribe('news', (message) => heard.push(`one ${message}`))
  await other.store.subscribe('news', (message) => heard.push(`other ${message}`))
  await other.store.subscribe('news', (message) => heard.push(`other again ${message}`))
  await one.store.publish('news', 'first')
  t.deepEqual(heard.toSorted(), ['one first', 'other again first', 'other first'])
  await other.leave()
  await store.publish('news', 'second')
  await one.store.get('answered after it was told')
  t.deepEqual(heard.slice(3), ['one second'])
})

test('of two workers that claim the same assertion one has it', async (t) => {
  const { worker } = world()
  const guards = [worker(), worker()].map(({ store }) => replayGuard(store, 'batch'))
  const until = new Date(Date.now() + 60_000)
  const claims = await Promise.all(guards.map((guard) => guard.claim('jti', until)))
  t.is(claims.filter(Boolean).length, 1)
})

test('a store that fails, and a primary that is gone, deny', async (t) => {
  const { worker } = world(1)
  const { store, primary } = worker()
  const until = new Date(Date.now() + 60_000)
  const guard = replayGuard(store, 'batch')
  t.true(await guard.claim('first', until))
  const full = await t.throwsAsync(guard.claim('second', until))
  t.true(full instanceof StateUnavailableError)
  t.regex(full.message, /full: 1 entries/)
  primary.end('the primary process is gone')
  const gone = await t.throwsAsync(guard.claim('third', until))
  t.true(gone instanceof StateUnavailableError)
  t.is(gone.message, 'the primary process is gone')
})

test('wrong secrets are counted together, and without the primary by each for itself', async (t) => {
  const { worker } = world()
  const later = Date.now() + 60_000
  const [one, other] = [worker(), worker()]
  t.is(await one.guesses.count('a', later), 1)
  t.is(await other.guesses.count('a', later), 2)
  t.is(await one.guesses.count('b', later), 1)
  other.primary.end('gone')
  t.is(await other.guesses.count('a', later), 2)
  t.is(await one.guesses.count('a', later), 3)
})

test('counting fills no store', async (t) => {
  const { worker, store } = world(1)
  const { guesses } = worker()
  for (let index = 0; index < 10; index++) {
    // oxlint-disable-next-line no-await-in-loop
    t.is(await guesses.count(String(index), Date.now() + 60_000), 1)
  }
  await t.notThrowsAsync(store.set('a', '1'))
})

test('what the primary says of its connection reaches who listens', (t) => {
  const { store, connected } = world().worker()
  const told: boolean[] = []
  store.onConnection?.((isThere) => told.push(isThere))
  connected(false)
  connected(true)
  t.deepEqual(told, [false, true])
})
