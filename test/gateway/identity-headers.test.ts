import test from 'ava'
import fc from 'fast-check'

import type { IdentityHeaders, Principal } from '#contract'

import { setIdentityHeaders } from '../../src/gateway/identity-headers.ts'
import { ownedNames } from '../../src/gateway/owned-names.ts'

const PRINCIPAL: Principal = { clientId: 'c', scopes: ['read', 'write'], method: 'bearer' }
const REQUEST = { method: 'GET', path: '/', requestId: 'r', upstream: 'http://127.0.0.1' }
const OWNED = ownedNames([{ names: ['X-Client-Id', 'X-Client-Scopes', 'X-Extra-*'] }])

/** A part as JavaScript could have it: nothing is sure about what it says. */
function part(says: unknown): IdentityHeaders {
  return { names: [], headers: () => says as Record<string, string> }
}

function reasonOf(...parts: readonly IdentityHeaders[]): string {
  const outcome = setIdentityHeaders([], PRINCIPAL, REQUEST, parts, OWNED)
  return outcome.ok ? 'ok' : outcome.reason
}

test('what the parts say is appended in order', (t) => {
  const headers = ['host', 'api.example']
  const scopes: IdentityHeaders = {
    names: ['X-Client-Scopes'],
    headers: (principal) => ({ 'X-Client-Scopes': principal.scopes.join(' ') }),
  }
  const parts = [part({ 'X-Client-Id': 'c', 'x-extra-a': '' }), scopes]
  t.deepEqual(setIdentityHeaders(headers, PRINCIPAL, REQUEST, parts, OWNED), { ok: true })
  t.deepEqual(
    headers,
    [
      ['host', 'api.example', 'X-Client-Id', 'c', 'x-extra-a', ''],
      ['X-Client-Scopes', 'read write'],
    ].flat(),
  )
})

const REFUSED: readonly (readonly [says: unknown, reason: string])[] = [
  [{ 'X-Client-Id': 'a\r\nX-Admin: 1' }, 'identity-header-not-visible-ascii'],
  [{ 'X-Client-Id': 'a\nb' }, 'identity-header-not-visible-ascii'],
  [{ 'X-Client-Id': 'a\u0000' }, 'identity-header-not-visible-ascii'],
  [{ 'X-Client-Id': 'a\u0080' }, 'identity-header-not-visible-ascii'],
  [{ 'X-Client-Id': 'Ā' }, 'identity-header-not-visible-ascii'],
  [{ 'X-Client-Id': ' a' }, 'identity-header-not-visible-ascii'],
  [{ 'X-Client-Id': 'a\t' }, 'identity-header-not-visible-ascii'],
  [{ 'X-Client-Id': 'a'.repeat(8193) }, 'identity-header-too-long'],
  [{ 'X-Client-Id': undefined }, 'identity-header-not-text'],
  [{ 'X-Client-Id': 7 }, 'identity-header-not-text'],
  [{ 'X-Client-Id': ['a', 7] }, 'identity-header-not-text'],
  [{ 'X-Client-Id': ['a', 'b\r\nX-Admin: 1'] }, 'identity-header-not-visible-ascii'],
  [{ 'X-Client-Id': Array.from({ length: 65 }, () => 'a') }, 'identity-header-too-often'],
  [{ 'X-Other': 'a' }, 'identity-header-not-owned'],
  [{ 'X-Client-Id\r\nX-Admin': 'a' }, 'identity-header-not-owned'],
  [{ 'X-Extra-\u00E9': 'a' }, 'identity-header-not-owned'],
  [{ 'X-Client-Id': 'a', x_client_id: 'b' }, 'identity-header-repeated'],
  ['X-Client-Id: a', 'identity-headers-not-an-object'],
  [null, 'identity-headers-not-an-object'],
  [Promise.resolve({ 'X-Client-Id': 'a' }), 'identity-headers-not-an-object'],
]

for (const [says, reason] of REFUSED) {
  test(`a part that says ${JSON.stringify(says)?.slice(0, 50)} is refused: ${reason}`, (t) => {
    t.is(reasonOf(part(says)), reason)
  })
}

test('several values of a name are a line each, and none are no line', (t) => {
  const headers: string[] = []
  const parts = [part({ 'X-Client-Id': ['a', 'b'], 'X-Client-Scopes': [] })]
  t.true(setIdentityHeaders(headers, PRINCIPAL, REQUEST, parts, OWNED).ok)
  t.deepEqual(headers, ['X-Client-Id', 'a', 'X-Client-Id', 'b'])
})

test('two parts cannot say the same name', (t) => {
  t.is(
    reasonOf(part({ 'X-Client-Id': 'a' }), part({ 'x-client-id': 'a' })),
    'identity-header-repeated',
  )
})

test('a part that throws refuses the request and nothing else', (t) => {
  const throwing: IdentityHeaders = {
    names: [],
    headers() {
      throw new Error('no such tenant')
    },
  }
  t.is(reasonOf(throwing), 'identity-headers-threw')
})

test('whatever a part says, a line of the head is one line', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (value) => {
      const headers: string[] = []
      const parts = [part({ 'X-Client-Id': value })]
      const { ok } = setIdentityHeaders(headers, PRINCIPAL, REQUEST, parts, OWNED)
      t.is(ok, value === '' || /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(value))
      t.notRegex(headers.join('\u0001'), /[\r\n\0]/)
    }),
  )
})
