import { hash, randomBytes } from 'node:crypto'
import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'

import test from 'ava'
import fc from 'fast-check'

import { checkSwitch, websocketKey } from '../../../src/gateway/upgrades/check-switch.ts'

function answerOf(status: number, lines: readonly (readonly [string, string])[]): IncomingMessage {
  const answer = new IncomingMessage(new Socket())
  answer.statusCode = status
  answer.rawHeaders = lines.flat()
  for (const [name, value] of lines) {
    answer.headers[name] = value
    ;(answer.headersDistinct[name] ??= []).push(value)
  }
  return answer
}

// RFC 6455 §1.3
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
const OFFER = { protocol: 'websocket', key: KEY }

test('the example of the RFC is agreed to', (t) => {
  const lines = [
    ['upgrade', 'WebSocket'],
    ['sec-websocket-accept', ACCEPT],
  ] as const
  t.is(checkSwitch(answerOf(101, lines), OFFER), undefined)
  t.regex(checkSwitch(answerOf(200, lines), OFFER) ?? '', /status 200/)
  t.regex(checkSwitch(answerOf(101, lines), { ...OFFER, protocol: 'echo' }) ?? '', /another/)
})

test('no other text is an agreement', (t) => {
  const upgrade = ['upgrade', 'websocket'] as const
  fc.assert(
    fc.property(fc.string(), (text) => {
      const lines = [upgrade, ['sec-websocket-accept', text] as const]
      return (checkSwitch(answerOf(101, lines), OFFER) === undefined) === (text === ACCEPT)
    }),
  )
  t.is(checkSwitch(answerOf(101, [upgrade]), { protocol: 'websocket', key: undefined }), undefined)
  t.is(checkSwitch(answerOf(101, [upgrade]), OFFER), 'a wrong Sec-WebSocket-Accept')
})

test('a key is 16 bytes in base64, on one line', (t) => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 0, maxLength: 32 }), (bytes) => {
      const key = Buffer.from(bytes).toString('base64')
      const lines = ['Host', 'a', 'SEC-WebSocket-Key', key]
      const found = websocketKey(lines)
      return found === (bytes.length === 16 ? key : undefined)
    }),
  )
  fc.assert(
    fc.property(fc.string(), (key) => {
      const found = websocketKey(['sec-websocket-key', key])
      return found === undefined || Buffer.from(found, 'base64').toString('base64') === key
    }),
  )
  const key = randomBytes(16).toString('base64')
  const twice = ['sec-websocket-key', key]
  t.is(websocketKey([...twice, ...twice]), undefined)
  t.is(websocketKey([]), undefined)
  t.is(websocketKey(['x', 'sec-websocket-key', key, 'y']), undefined, 'a value is no name')
  t.is(hash('sha1', `${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`, 'base64'), ACCEPT)
})
