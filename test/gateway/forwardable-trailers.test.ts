import test from 'ava'
import fc from 'fast-check'

import { forwardableTrailers } from '../../src/gateway/forwardable-trailers.ts'
import { forwardedHeaders, headerRules } from '../../src/gateway/forwarded-headers.ts'
import { ownedNames } from '../../src/gateway/owned-names.ts'

const RULES = headerRules(ownedNames([{ names: ['X-Client-Id', 'X-Remote-Extra-*'] }]), 20)
const forwardable = (...lines: string[]) => forwardableTrailers(lines, RULES)

test('trailers are forwarded, in lower case, repeated ones too', (t) => {
  t.deepEqual(forwardable('Grpc-Checksum', 'abc', 'x-a', '1', 'X-A', '2', 'x-old', '\u00E9'), {
    'grpc-checksum': ['abc'],
    'x-a': ['1', '2'],
    'x-old': ['\u00E9'],
  })
  t.is(forwardable(), undefined)
})

for (const name of [
  'x-client-id',
  'X-Client-Id',
  'x_client_id',
  'X.Client.Id',
  'x-remote-extra-tenant',
  'authorization',
  'dpop',
  'cookie',
  'x-forwarded-for',
  'forwarded',
  'x-original-url',
  'host',
  'content-length',
  'content_length',
  'transfer-encoding',
  'te',
  'trailer',
  'connection',
  'upgrade',
  'expect',
  'content-type',
  'content-encoding',
  'range',
  'x-http-method-override',
  'if-match',
  'cache-control',
  ':path',
  'x client-id',
  '',
]) {
  test(`never forwarded as a trailer: ${name}`, (t) => {
    t.is(forwardable(name, 'evil'), undefined)
    t.deepEqual(forwardable('x-a', '1', name, 'evil'), { 'x-a': ['1'] })
  })
}

test('a value that could end its line is not forwarded', (t) => {
  for (const value of ['a\r\nx-client-id: admin', 'a\nb', 'a\0b', 'a\u0100']) {
    t.is(forwardable('x-a', value), undefined)
  }
})

test('too many are not forwarded at all', (t) => {
  const lines = (count: number) => Array.from({ length: count }, (_, index) => [`x-${index}`, 'a'])
  t.is(Object.keys(forwardable(...lines(20).flat()) ?? {}).length, 20)
  t.is(forwardable(...lines(21).flat()), undefined)
})

test('what may be a trailer may be a header, whatever comes', (t) => {
  const name = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('x-client-id', 'X_Client_Id', 'te', 'x-a', 'Host', 'x-forwarded-x'),
  )
  const lines = fc.array(fc.tuple(name, fc.string({ maxLength: 12 })), { maxLength: 8 })
  fc.assert(
    fc.property(lines, (some) => {
      const kept = forwardable(...some.flat()) ?? {}
      for (const [key, values] of Object.entries(kept)) {
        const sent = ['host', 'a', ...values.flatMap((value) => [key, value])]
        const made = forwardedHeaders(sent, RULES, { scheme: 'https', httpVersion: '1.1' })
        t.true(made.ok)
        if (made.ok) t.true(made.headers.includes(key))
      }
    }),
  )
  t.pass()
})
