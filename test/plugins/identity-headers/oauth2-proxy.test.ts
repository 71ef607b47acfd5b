import test from 'ava'

import plugin from '../../../plugins/identity-headers/oauth2-proxy.ts'
import { aForwarded } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const part = await setUp(plugin)

function headersOf(clientId: string, scopes: readonly string[] = []) {
  return part.headers({ clientId, scopes, method: 'bearer', clientName: 'Orders' }, aForwarded())
}

test('client id and scopes are told as user and groups, in both spellings', (t) => {
  t.deepEqual(headersOf('orders', ['read', 'write']), {
    'X-Forwarded-User': 'orders',
    'X-Forwarded-Preferred-Username': 'orders',
    'X-Forwarded-Groups': 'read,write',
    'X-Auth-Request-User': 'orders',
    'X-Auth-Request-Preferred-Username': 'orders',
    'X-Auth-Request-Groups': 'read,write',
  })
})

test('a comma in a scope does not make two groups', (t) => {
  const { 'X-Forwarded-Groups': groups } = headersOf('orders', ['read,admin', 'a%2Cb'])
  t.is(groups, 'read%2Cadmin,a%252Cb')
})

test('without scopes there are no groups', (t) => {
  t.deepEqual(Object.keys(headersOf('orders')), [
    'X-Forwarded-User',
    'X-Forwarded-Preferred-Username',
    'X-Auth-Request-User',
    'X-Auth-Request-Preferred-Username',
  ])
})

test('an id of other characters is encoded, one that is too long an error', (t) => {
  t.is(headersOf('bätch\r\n')['X-Forwarded-User'], 'b%C3%A4tch%0D%0A')
  t.notThrows(() => headersOf('x'.repeat(256)))
  t.throws(() => headersOf('x'.repeat(257)), { instanceOf: RangeError })
})
