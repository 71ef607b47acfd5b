import test from 'ava'

import type { Principal } from '#contract'

import plugin from '../../../plugins/identity-headers/generic.ts'
import { aForwarded, aPeer } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const part = await setUp(plugin)

function headersOf(overrides: Partial<Principal> = {}) {
  const principal = { clientId: 'orders', scopes: [], method: 'bearer', ...overrides }
  return part.headers(principal, aForwarded())
}

test('a caller with everything is told in full', (t) => {
  const peer = aPeer()
  const overrides: Partial<Principal> = {
    clientName: 'Orders of Example',
    scopes: ['read', 'write'],
    method: 'tls_client_auth',
    peer,
    confirmation: { 'x5t#S256': peer.x5tS256 },
  }
  t.deepEqual(headersOf(overrides), {
    'X-Client-Id': 'orders',
    'X-Client-Name': 'Orders of Example',
    'X-Client-Scopes': 'read write',
    'X-Client-Auth-Method': 'tls_client_auth',
    'X-Client-Certificate-Thumbprint': peer.thumbprintSha256,
  })
})

test('what a caller does not have is left out', (t) => {
  t.deepEqual(headersOf(), {
    'X-Client-Id': 'orders',
    'X-Client-Auth-Method': 'bearer',
  })
})

test('a certificate that did not prove the caller is not told', (t) => {
  const peer = aPeer()
  const another = { 'x5t#S256': 'A'.repeat(43) }
  for (const overrides of [{ peer }, { peer, confirmation: {} }, { peer, confirmation: another }])
    t.false('X-Client-Certificate-Thumbprint' in headersOf(overrides))
})

for (const [text, value] of [
  ['plain-id_1.2:~', 'plain-id_1.2:~'],
  ['100%', '100%25'],
  ['Größe €', 'Gr%C3%B6%C3%9Fe %E2%82%AC'],
  ['a\r\nX-Client-Id: admin', 'a%0D%0AX-Client-Id: admin'],
  ['\u0000', '%00'],
  ['\u007f', '%7F'],
  [' a b ', '%20a b%20'],
  [' ', '%20'],
  ['😀', '%F0%9F%98%80'],
] as const)
  test(`${JSON.stringify(text)} goes as ${value}, in id and name`, (t) => {
    t.like(headersOf({ clientId: text, clientName: text }), {
      'X-Client-Id': value,
      'X-Client-Name': value,
    })
  })

test('a long name is cut between characters, a long id is an error', (t) => {
  t.is(headersOf({ clientName: '😀'.repeat(300) })['X-Client-Name'], '%F0%9F%98%80'.repeat(200))
  t.is(headersOf({ clientId: 'x'.repeat(256) })['X-Client-Id'], 'x'.repeat(256))
  t.throws(() => headersOf({ clientId: 'x'.repeat(257) }), { instanceOf: RangeError })
})
