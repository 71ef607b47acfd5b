import test from 'ava'
import { decodeJwt } from 'jose'

import { secretClient } from '../support/clients.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { assertRefused, tokenOf, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'

const running = sharedSidecar(test, {
  clients: [
    secretClient('batch', SECRET, { allowedScopes: ['read', 'write', 'invoices:read', 'orphan'] }),
    secretClient('none', SECRET, { allowedScopes: [] }),
  ],
  resources: [
    { name: 'orders', scopes: ['read', 'write', 'delete'] },
    { name: 'invoices', scopes: ['invoices:read', 'read'] },
    { name: 'off', enabled: false, scopes: ['write'] },
  ],
})

function ask(scope?: string, clientId = 'batch') {
  const form = { client_id: clientId, client_secret: SECRET }
  return running().send(tokenRequest({ form: scope === undefined ? form : { ...form, scope } }))
}

for (const [what, asked, granted, audience] of [
  ['asks for none', undefined, 'read write invoices:read orphan', ['orders', 'invoices']],
  ['leaves the parameter empty', '', 'read write invoices:read orphan', ['orders', 'invoices']],
  ['asks for a blank', ' ', 'read write invoices:read orphan', ['orders', 'invoices']],
  ['asks for some', 'write', 'write', 'orders'],
  ['asks for some of another resource', 'invoices:read', 'invoices:read', 'invoices'],
  ['asks for one that two resources own', 'read', 'read', ['orders', 'invoices']],
  ['asks for some in another order', 'write read', 'write read', ['orders', 'invoices']],
  ['asks for one twice', 'read read', 'read', ['orders', 'invoices']],
  ['asks with too many blanks', '  read  write ', 'read write', ['orders', 'invoices']],
  ['asks for one that no resource owns', 'orphan', 'orphan', 'https://sidecar.test'],
] as const) {
  test(`a client that ${what} gets ${JSON.stringify(granted)}`, async (t) => {
    const answer = await ask(asked)
    const claims = decodeJwt(tokenOf(t, answer))
    t.is(claims['scope'], granted)
    t.deepEqual(claims.aud, audience as string | string[])
    t.is(answer.json()['scope'], granted)
  })
}

for (const [what, asked, reason] of [
  ['that it may not have', 'delete', 'scope-not-allowed'],
  ['one of which it may not have', 'read delete', 'scope-not-allowed'],
  ['that nobody knows', 'unheard', 'scope-not-allowed'],
  ['of another case', 'READ', 'scope-not-allowed'],
  ['for a user', 'openid offline_access', 'scope-not-allowed'],
  ['with control characters', 'read\twrite\u0000', 'scope-not-allowed'],
  ['with a line break', 'read\r\nwrite', 'scope-not-allowed'],
  ['with quotes', '"read"', 'scope-not-allowed'],
  ['that is an object’s own', '__proto__ constructor', 'scope-not-allowed'],
  ['over the limit', `read ${'x'.repeat(300)}`, 'scope-too-long'],
] as const) {
  test(`a client that asks for scopes ${what} is refused`, async (t) => {
    assertRefused(t, running(), await ask(asked), {
      status: 400,
      error: 'invalid_scope',
      reason,
      line: { client: 'batch' },
    })
  })
}

test('a client without scopes gets a token without any', async (t) => {
  const answer = await ask(undefined, 'none')
  const claims = decodeJwt(tokenOf(t, answer))
  t.false('scope' in claims)
  t.false('scope' in answer.json())
  t.is(claims.aud, 'https://sidecar.test')
})
