import test from 'ava'

import plugin from '../../../plugins/identity-headers/kong.ts'
import { aForwarded } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const part = await setUp(plugin)

function headersOf(clientId: string, scopes: readonly string[] = []) {
  return part.headers({ clientId, scopes, method: 'bearer', clientName: 'Admin' }, aForwarded())
}

test('the consumer is the client, and its name is told nowhere', (t) => {
  t.deepEqual(headersOf('orders', ['read', 'write']), {
    'X-Consumer-ID': 'orders',
    'X-Consumer-Custom-ID': 'orders',
    'X-Consumer-Username': 'orders',
    'X-Credential-Identifier': 'orders',
    'X-Authenticated-Scope': 'read write',
  })
})

test('nobody is anonymous, and without scopes none are told', (t) => {
  const headers = headersOf('orders')
  t.false('X-Anonymous-Consumer' in headers)
  t.false('X-Authenticated-Scope' in headers)
})

test('an id of other characters is encoded, one that is too long an error', (t) => {
  t.is(headersOf('bätch\u0000')['X-Consumer-Username'], 'b%C3%A4tch%00')
  t.throws(() => headersOf('x'.repeat(257)), { instanceOf: RangeError })
})
