import test from 'ava'
import fc from 'fast-check'

import { mayTryAgain } from '../../../src/gateway/upstreams/try-again.ts'
import type { Trial } from '../../../src/gateway/upstreams/try-again.ts'

const UNSENT: Trial = {
  method: 'POST',
  repeatable: true,
  sent: false,
  answered: false,
  onKeptConnection: false,
  refusedUnread: false,
  timedOut: false,
}
const SENT: Trial = { ...UNSENT, sent: true }
const BROKEN: Trial = { ...SENT, onKeptConnection: true }

const CASES: readonly (readonly [string, Trial, ReturnType<typeof mayTryAgain>])[] = [
  ['no connection could be made', UNSENT, 'any'],
  ['no connection in time', { ...UNSENT, timedOut: true }, 'another'],
  [
    'no connection, but the body is not there any more',
    { ...UNSENT, repeatable: false },
    undefined,
  ],
  ['refused unread', { ...SENT, refusedUnread: true }, 'any'],
  [
    'refused unread, but the body has begun',
    { ...SENT, refusedUnread: true, repeatable: false },
    undefined,
  ],
  ['a new connection broke', { ...SENT, method: 'GET' }, undefined],
  ['a kept connection broke under a POST', BROKEN, undefined],
  ['a kept connection broke under a PATCH', { ...BROKEN, method: 'PATCH' }, undefined],
  [
    'a kept connection broke under a method nobody knows',
    { ...BROKEN, method: 'PURGE' },
    undefined,
  ],
  [
    'a kept connection broke after a byte of the answer',
    { ...BROKEN, method: 'GET', answered: true },
    undefined,
  ],
  [
    'a kept connection was silent for too long',
    { ...BROKEN, method: 'GET', timedOut: true },
    undefined,
  ],
  [
    'a kept connection broke in the middle of the body',
    { ...BROKEN, method: 'PUT', repeatable: false },
    undefined,
  ],
  ...['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'].map(
    (method) =>
      [`a kept connection broke under a ${method}`, { ...BROKEN, method }, 'any'] as const,
  ),
]

for (const [what, trial, expected] of CASES) {
  test(`${what}: ${expected ?? 'not tried again'}`, (t) => {
    t.is(mayTryAgain(trial), expected)
  })
}

test('never after a byte of an answer, nor without the body', (t) => {
  const flag = fc.boolean()
  const trials = fc.record({
    method: fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'X'),
    repeatable: flag,
    sent: flag,
    answered: flag,
    onKeptConnection: flag,
    refusedUnread: flag,
    timedOut: flag,
  })
  fc.assert(
    fc.property(trials, (trial) => {
      const again = mayTryAgain(trial)
      if (trial.answered || !trial.repeatable) t.is(again, undefined)
      if (trial.sent && !trial.refusedUnread && /^(POST|PATCH|X)$/.test(trial.method)) {
        t.is(again, undefined)
      }
      if (trial.timedOut) t.not(again, 'any')
    }),
  )
})
