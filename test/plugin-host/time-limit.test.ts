import { stat } from 'node:fs/promises'

import test from 'ava'

import { TimeLimitError, withTimeLimit } from '../../src/plugin-host/time-limit.ts'

test('an answer that was there before the whole process stood still is not too late', async (t) => {
  const answer = withTimeLimit(stat(import.meta.filename), 20)
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
  t.true((await answer).isFile())
})

test('a promise that never ends is given up', async (t) => {
  const never = Promise.withResolvers<string>().promise
  await t.throwsAsync(async () => withTimeLimit(never, 5), {
    instanceOf: TimeLimitError,
    message: 'no answer in 5 ms',
  })
})

test('a value that is no promise comes back as it is, and a failure as a failure', async (t) => {
  t.is(withTimeLimit('here', 5), 'here')
  await t.throwsAsync(async () => withTimeLimit(Promise.reject(new Error('no')), 1000), {
    message: 'no',
  })
})
