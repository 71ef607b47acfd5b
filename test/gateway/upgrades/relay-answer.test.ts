import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'

import test from 'ava'

import { relayAnswer } from '../../../src/gateway/upgrades/relay-answer.ts'

test('an answer that cannot be written is not handed on, and nothing is thrown', (t) => {
  for (const [status, lines] of [
    [99, []],
    [1000, []],
    [200, ['a', 'b\u0001']],
    [200, ['a b', '']],
  ] as const) {
    const answer = new IncomingMessage(new Socket())
    answer.statusCode = status
    const response = new ServerResponse(new IncomingMessage(new Socket()))
    t.false(relayAnswer(answer, response, [...lines], 1000, () => t.fail()))
    t.false(response.headersSent)
  }
})
