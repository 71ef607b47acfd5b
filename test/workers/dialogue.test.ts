import test from 'ava'
import * as fc from 'fast-check'

import { ConfigError } from '../../src/errors.ts'
import { dialogue, EndedError, RemoteError } from '../../src/workers/dialogue.ts'
import type { Wire } from '../../src/workers/dialogue.ts'
import { localError } from '../../src/workers/local-error.ts'
import { askerOf, askerOn, wirePair } from './support/wired.ts'

const PATIENCE = 60_000

test('a question gets the answer to it, whichever is ready first', async (t) => {
  const { promise: bell, resolve: ring } = Promise.withResolvers<void>()
  const asker = askerOf({
    slow: async (text: string) => bell.then(() => `slow ${text}`),
    fast(text: string) {
      ring()
      return `fast ${text}`
    },
    nothing: () => undefined,
  })
  t.deepEqual(
    await Promise.all([
      asker.ask(PATIENCE, 'slow', 'a'),
      asker.ask(PATIENCE, 'fast', 'b'),
      asker.ask(PATIENCE, 'nothing'),
    ]),
    ['slow a', 'fast b', undefined],
  )
})

test('what is told is done, and what goes wrong with it is told to nobody', async (t) => {
  const { promise: heard, resolve } = Promise.withResolvers<string>()
  const asker = askerOf({
    fail: () => {
      throw new Error('no')
    },
    hear: resolve,
  })
  asker.tell('fail')
  asker.tell('hear', 'this')
  t.is(await heard, 'this')
})

test('an error comes back with its message, and with what it was about', async (t) => {
  const asker = askerOf({
    listen: async () => {
      const about = { code: 'EADDRINUSE', port: 8443, address: '127.0.0.1', secret: 'x' }
      throw Object.assign(new Error('taken'), about)
    },
    load: async () => {
      throw new ConfigError([{ at: 'a.yaml:1:1', message: 'is wrong', severity: 'error' }])
    },
  })
  const taken = await t.throwsAsync(asker.ask(PATIENCE, 'listen'), { instanceOf: RemoteError })
  const local = localError(taken) as Error
  t.like(local, { message: 'taken', code: 'EADDRINUSE', port: 8443, address: '127.0.0.1' })
  t.false('secret' in local)
  const wrong = localError(await t.throwsAsync(asker.ask(PATIENCE, 'load')))
  t.true(wrong instanceof ConfigError)
  t.deepEqual((wrong as ConfigError).faults, [
    { at: 'a.yaml:1:1', message: 'is wrong', severity: 'error' },
  ])
})

test('who is asked what it does not know says so; its own properties are no services', async (t) => {
  const [here, there] = wirePair()
  dialogue(there, { known: () => 1 })
  const asker = askerOn<Record<string, () => unknown>>(here)
  for (const name of ['unknown', 'toString', 'constructor', '__proto__']) {
    // oxlint-disable-next-line no-await-in-loop
    await t.throwsAsync(asker.ask(PATIENCE, name), { message: /nobody here knows/ })
  }
})

test('a question that is not answered in time fails, and its late answer is nobody’s', async (t) => {
  const { promise: bell, resolve: ring } = Promise.withResolvers<string>()
  const asker = askerOf({ wait: () => bell, now: () => 'now' })
  await t.throwsAsync(asker.ask(1, 'wait'), { message: 'no answer in 1 ms' })
  ring('late')
  t.is(await asker.ask(PATIENCE, 'now'), 'now')
})

test('when the other side is gone nobody waits any longer, and no one is asked', async (t) => {
  const asker = askerOf({ wait: () => new Promise<void>(() => undefined) })
  const waiting = asker.ask(PATIENCE, 'wait')
  asker.end('it has ended')
  const expected = { instanceOf: EndedError, message: 'it has ended' }
  await t.throwsAsync(waiting, expected)
  await t.throwsAsync(asker.ask(PATIENCE, 'wait'), expected)
  t.notThrows(() => {
    asker.tell('wait')
  })
})

test('a wire that is cut is the same', async (t) => {
  const cut: Wire = { send: () => false, onMessage: () => undefined }
  const asker = askerOn<{ wait(): void }>(cut)
  await t.throwsAsync(asker.ask(PATIENCE, 'wait'), { instanceOf: EndedError })
})

test('ten thousand questions may be open, and one more is refused at once', async (t) => {
  const silent: Wire = { send: () => true, onMessage: () => undefined }
  const asker = askerOn<{ wait(): void }>(silent)
  const open = Array.from({ length: 10_000 }, () => asker.ask(PATIENCE, 'wait'))
  await t.throwsAsync(asker.ask(PATIENCE, 'wait'), { message: /too much is asked/ })
  asker.end('over')
  const outcomes = await Promise.allSettled(open)
  t.true(outcomes.every(({ status }) => status === 'rejected'))
})

test('whatever else comes on the channel is let be', async (t) => {
  const sent: unknown[] = []
  let tell: (message: unknown) => void = () => undefined
  const wire: Wire = {
    send: (message) => sent.push(message) > 0,
    onMessage: (listener) => (tell = listener),
  }
  dialogue(wire, { known: () => 1 })
  await fc.assert(
    fc.asyncProperty(fc.jsonValue(), async (message) => {
      t.notThrows(() => {
        tell(message)
      })
    }),
  )
  for (const message of [
    { answer: 7, value: 1 },
    { answer: -1, failure: { message: '' } },
  ]) {
    t.notThrows(() => {
      tell(message)
    })
  }
  t.deepEqual(sent, [])
})
