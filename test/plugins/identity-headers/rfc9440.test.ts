import test from 'ava'

import type { Principal } from '#contract'

import plugin from '../../../plugins/identity-headers/rfc9440.ts'
import { aForwarded, aPeer, RFC8705_CERTIFICATE } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const part = await setUp(plugin)
const peer = aPeer()
const bound = { 'x5t#S256': peer.x5tS256 }

function headersOf(overrides: Partial<Principal> = {}) {
  const principal = { clientId: 'orders', scopes: [], method: 'bearer', ...overrides }
  return part.headers(principal, aForwarded())
}

test('the certificate that proved the caller is told as a byte sequence', (t) => {
  const base64 = RFC8705_CERTIFICATE.replaceAll('\n', '')
  t.deepEqual(headersOf({ peer, confirmation: bound }), { 'Client-Cert': `:${base64}:` })
})

test('a certificate that proved nothing is not told', (t) => {
  const another = { 'x5t#S256': 'A'.repeat(43) }
  for (const overrides of [
    {},
    { peer },
    { peer, confirmation: {} },
    { peer, confirmation: another },
    { confirmation: bound },
  ])
    t.deepEqual(headersOf(overrides), {})
})

test('a certificate has to fit into one header', (t) => {
  const sized = (bytes: number) => aPeer({ raw: Buffer.alloc(bytes) })
  const value = headersOf({ peer: sized(6141), confirmation: bound })['Client-Cert']
  t.is(String(value).length, 8190)
  t.throws(() => headersOf({ peer: sized(6142), confirmation: bound }), { instanceOf: RangeError })
})
