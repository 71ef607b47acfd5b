import test from 'ava'
import { decodeJwt } from 'jose'

import { aboutToken, INTROSPECTION } from '../support/ask-about-token.ts'
import { secretClient, sha256 } from '../support/clients.ts'
import { basic } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { assertRefused, GRANT, TOKEN, tokenOf } from '../support/token-request.ts'

const SECRET = 'a generated secret'
const URI = 'https://invoices.test/v1'

const running = sharedSidecar(test, {
  clients: [
    secretClient('batch', SECRET, { allowedScopes: ['read', 'write', 'bill', 'orphan'] }),
    secretClient('handles', SECRET, {
      allowedScopes: ['read', 'bill'],
      accessTokenType: 'Reference',
    }),
  ],
  resources: [
    { name: 'orders', scopes: ['read', 'write'], apiSecrets: [{ value: sha256('o') }] },
    { name: 'invoices', uri: URI, scopes: ['bill', 'read'], apiSecrets: [{ value: sha256('i') }] },
    { name: 'archive', scopes: ['delete'] },
    { name: 'off', enabled: false, scopes: ['read'] },
    { name: 'empty' },
  ],
})

/** The parameter may come several times. */
function ask(resources: readonly string[], scope?: string, client = 'batch') {
  const form = new URLSearchParams({ ...GRANT, ...(scope !== undefined && { scope }) })
  for (const resource of resources) form.append('resource', resource)
  return running().send({
    path: TOKEN,
    body: form.toString(),
    headers: {
      authorization: basic(client, SECRET),
      'content-type': 'application/x-www-form-urlencoded',
    },
  })
}

for (const [what, resources, scope, audience, granted] of [
  ['one', ['orders'], undefined, 'orders', 'read write'],
  ['one by its URI', [URI], undefined, URI, 'read bill'],
  ['one by its name that has a URI', ['invoices'], undefined, 'invoices', 'read bill'],
  ['two', ['orders', URI], undefined, ['orders', URI], 'read write bill'],
  ['one twice', ['orders', 'orders'], undefined, 'orders', 'read write'],
  ['one, and a scope of it', ['orders'], 'write', 'orders', 'write'],
  ['one, and scopes of others too', ['orders'], 'bill write', 'orders', 'write'],
  ['two, and a scope of both', ['invoices', 'orders'], 'read', ['invoices', 'orders'], 'read'],
  ['an empty one', [''], 'read', ['orders', 'invoices'], 'read'],
] as const) {
  test(`a client that names ${what} gets a token for it alone`, async (t) => {
    const answer = await ask(resources, scope)
    const claims = decodeJwt(tokenOf(t, answer))
    t.deepEqual(claims.aud, audience as string | string[])
    t.is(claims['scope'], granted)
    t.is(answer.json()['scope'], granted)
  })
}

for (const [what, resources, scope, reason] of [
  ['that nobody knows', ['unheard'], undefined, 'resource-unknown'],
  ['of another case', ['Orders'], undefined, 'resource-unknown'],
  ['by a URI that only begins so', [`${URI}/x`], undefined, 'resource-unknown'],
  ['one of which nobody knows', ['orders', 'unheard'], undefined, 'resource-unknown'],
  ['that is disabled', ['off'], undefined, 'resource-disabled'],
  ['none of whose scopes it may use', ['archive'], undefined, 'resource-not-allowed'],
  ['that has no scopes', ['empty'], undefined, 'resource-not-allowed'],
  ['none of whose scopes it asks for', ['orders', 'invoices'], 'write', 'resource-without-scope'],
  ['with a scope of none', ['orders'], 'orphan', 'resource-without-scope'],
  ['over the limit', ['x'.repeat(513)], undefined, 'resource-too-long'],
  ['at the limit', ['x'.repeat(512)], undefined, 'resource-unknown'],
] as const) {
  test(`a resource ${what} is an invalid target`, async (t) => {
    assertRefused(t, running(), await ask(resources, scope), {
      status: 400,
      error: 'invalid_target',
      reason,
      line: { client: 'batch' },
    })
  })
}

test('a scope that the client may not have comes first', async (t) => {
  assertRefused(t, running(), await ask(['unheard'], 'delete'), {
    status: 400,
    error: 'invalid_scope',
    reason: 'scope-not-allowed',
  })
})

test('more resources than a form may have fields are refused', async (t) => {
  assertRefused(t, running(), await ask(Array.from({ length: 50 }, () => 'orders')), {
    status: 400,
    error: 'invalid_request',
    reason: 'too-many-parameters',
  })
})

test('only the resource may be repeated', async (t) => {
  const answer = await running().send({
    path: TOKEN,
    body: 'grant_type=client_credentials&audience=a&audience=b',
    headers: {
      authorization: basic('batch', SECRET),
      'content-type': 'application/x-www-form-urlencoded',
    },
  })
  assertRefused(t, running(), answer, {
    status: 400,
    error: 'invalid_request',
    reason: 'repeated-parameter',
  })
})

test('a handle is for the named resource alone, too', async (t) => {
  const token = tokenOf(t, await ask([URI], undefined, 'handles'))
  const introspect = async (name: string, secret: string) =>
    (await running().send(aboutToken(INTROSPECTION, token, [name, secret]))).json()
  t.like(await introspect('invoices', 'i'), { active: true, aud: URI, scope: 'read bill' })
  t.deepEqual(await introspect('orders', 'o'), { active: false })
})

for (const [what, resources, message] of [
  ['two resources of one name', [{ name: 'a' }, { name: 'a' }], /names another resource already/],
  [
    'a name that is another’s URI',
    [{ name: 'a', uri: 'urn:b' }, { name: 'urn:b' }],
    /resource "urn:b": name: "urn:b" names another resource already/,
  ],
  ['a URI that is no URI', [{ name: 'a', uri: 'b' }], /resource "a": uri: is not an absolute URI/],
  ['a URI with a fragment', [{ name: 'a', uri: 'urn:b#c' }], /is not an absolute URI without/],
  ['a name that cannot be sent', [{ name: 'a\nb' }], /holds control characters/],
] as const) {
  test(`${what} are a fault that says where`, async (t) => {
    const error = await t.throwsAsync(startSidecar(t, { resources }), { name: 'ConfigError' })
    t.regex(error.message, message)
    t.regex(error.message, /resources\.yaml:\d+:\d+: /)
  })
}
