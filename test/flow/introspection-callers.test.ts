import test from 'ava'

import { aboutToken, INTROSPECTION, lineOf, tokenFor } from '../support/ask-about-token.ts'
import type { Asker } from '../support/ask-about-token.ts'
import { sha256 } from '../support/clients.ts'
import { BATCH, CLIENTS, introspectionParties, ORDERS } from '../support/introspection-parties.ts'
import type { Parties } from '../support/introspection-parties.ts'
import { basic } from '../support/send.ts'
import type { Received, SendOptions } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { ail, onStore } from '../support/state-plugin.ts'
import { assertRefused, INVALID_CLIENT, tokenOf, tokenRequest } from '../support/token-request.ts'

const INACTIVE = '{"active":false}'

let parties: Parties
const running = sharedSidecar(test, async () => {
  parties = await introspectionParties()
  return parties.options
})

function ask(token: string, asker: Asker = ORDERS, more: SendOptions = {}): Promise<Received> {
  return running().send(aboutToken(INTROSPECTION, token, asker, more))
}

test('a resource may prove itself with a secret in the body', async (t) => {
  const token = await tokenFor(running(), BATCH)
  const form = { token, client_id: ORDERS[0], client_secret: ORDERS[1] }
  t.true((await running().send({ path: INTROSPECTION, form })).json()['active'])
})

test('a resource may prove itself with its certificate, also where one is demanded', async (t) => {
  const form = { token: await tokenFor(running(), BATCH), client_id: 'orders' }
  const { cert, key } = parties.resourceKey
  for (const path of [INTROSPECTION, '/connect/mtls/introspect']) {
    t.true((await running().send({ path, form, cert, key })).json()['active'], path)
  }
  const answer = await ask(form.token, ORDERS, { path: '/connect/mtls/introspect' })
  assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'cert-missing' })
})

test('a resource may prove itself with an assertion, once', async (t) => {
  const token = await tokenFor(running(), BATCH)
  const assertion = await signAssertion('orders', parties.resourceKey.privateKeyJwk)
  const request = { path: INTROSPECTION, form: { token, ...assertion } }
  t.true((await running().send(request)).json()['active'])
  assertRefused(t, running(), await running().send(request), {
    ...INVALID_CLIENT,
    reason: 'jwt-jti-replayed',
  })
})

test('what a resource has used up is not used up for the client of its name', async (t) => {
  const jti = 'used by two'
  const token = await tokenFor(running(), BATCH)
  for (const accepted of [true, false]) {
    const assertion = await signAssertion('twin', parties.resourceKey.privateKeyJwk, {
      claims: { jti },
    })
    const answer = await running().send({ path: INTROSPECTION, form: { token, ...assertion } })
    t.is(answer.status, accepted ? 200 : 401)
  }
  const assertion = await signAssertion('twin', parties.clientKey.privateKeyJwk, {
    claims: { jti },
  })
  tokenOf(t, await running().send(tokenRequest({ form: assertion })))
})

test('a caller whose assertion may have been used already, for all we can say, is to try again', async (t) => {
  const key = { type: 'JWK', value: JSON.stringify(parties.resourceKey.publicKeyJwk) }
  const sidecar = await startSidecar(
    t,
    onStore('replay', {
      clients: [{ clientId: 'signer', clientSecrets: [key] }],
      resources: [{ name: 'orders', scopes: ['read'], apiSecrets: [key] }],
    }),
  )
  ail(sidecar.folder, 'fails')
  for (const id of ['orders', 'signer']) {
    const assertion = await signAssertion(id, parties.resourceKey.privateKeyJwk)
    const answer = await sidecar.send({ path: INTROSPECTION, form: { token: 'x', ...assertion } })
    assertRefused(t, sidecar, answer, {
      status: 503,
      error: 'temporarily_unavailable',
      reason: 'state-unavailable',
    })
  }
})

for (const [what, asker, reason] of [
  ['nobody knows', ['nobody', ORDERS[1]], 'client-unknown'],
  ['gives a wrong secret', ['orders', 'wrong'], 'secret-mismatch'],
  ['gives a secret of another', ['orders', 'i'], 'secret-mismatch'],
  ['gives an expired secret', ['orders', 'of last year'], 'secret-mismatch'],
  ['is disabled', ['closed', 'c'], 'client-disabled'],
  ['has no secrets', ['mute', 'm'], 'secret-none'],
  ['is a client with a wrong secret', ['batch', 'wrong'], 'secret-mismatch'],
] as const) {
  test(`a caller that ${what} is refused like any other`, async (t) => {
    const token = await tokenFor(running(), BATCH)
    const answer = await ask(token, asker)
    assertRefused(t, running(), answer, {
      ...INVALID_CLIENT,
      reason,
      line: { claimedClient: asker[0] },
    })
    t.deepEqual(answer.headers['www-authenticate'], 'Basic realm="vouchgate"')
    const other = await ask(token, ['somebody else', 'x'])
    t.is(answer.text, other.text)
    const { date: _, 'x-request-id': __, ...headers } = answer.headers
    const { date: ___, 'x-request-id': ____, ...others } = other.headers
    t.deepEqual(headers, others)
  })
}

test('a caller that proves nothing is refused, also a client that needs no secret for its tokens', async (t) => {
  for (const form of [{ client_id: 'open' }, { client_id: 'orders' }, {}]) {
    const answer = await running().send({ path: INTROSPECTION, form: { token: 'x', ...form } })
    assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'no-credentials' })
  }
})

test('who the caller is comes before what it asks', async (t) => {
  const answer = await running().send({
    path: INTROSPECTION,
    form: { client_id: 'orders', client_secret: 'wrong' },
  })
  assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'secret-mismatch' })
})

test('a resource is no client: it gets no token and may not call the API', async (t) => {
  const headers = { authorization: basic(...ORDERS) }
  assertRefused(t, running(), await running().send(tokenRequest({ headers })), {
    ...INVALID_CLIENT,
    reason: 'client-unknown',
  })
  const called = await running().send({ path: '/orders/1', headers })
  assertRefused(t, running(), called, { ...INVALID_CLIENT, reason: 'client-unknown' })
  const revoking = await running().send(aboutToken('/connect/revocation', 'x', ORDERS))
  assertRefused(t, running(), revoking, { ...INVALID_CLIENT, reason: 'client-unknown' })
})

test('a client and a resource of one name are two', async (t) => {
  const token = await tokenFor(running(), BATCH)
  t.is((await ask(token, ['twin', 't'])).json()['scope'], 'read', 'the resource')
  const own = await tokenFor(running(), ['twin', BATCH[1]])
  t.is((await ask(own, ['twin', BATCH[1]])).json()['scope'], 'read write bill', 'the client')
  const answer = await ask(token, ['twin', BATCH[1]])
  t.is(answer.text, INACTIVE)
  t.like(lineOf(running(), 'introspection.inactive', answer), { callerKind: 'client' })
  const headers = { authorization: basic('twin', 't') }
  assertRefused(t, running(), await running().send(tokenRequest({ headers })), {
    ...INVALID_CLIENT,
    reason: 'secret-mismatch',
  })
})

test('a bad secret of a resource is left out, where it stands is said, and its neighbours count', async (t) => {
  // As IdentityServer writes it.
  const section = `{
  "IdentityServer": {
    "ApiResources": [
      {
        "Name": "orders",
        "DisplayName": "The orders",
        "Scopes": ["read"],
        "ApiSecrets": [
          { "Value": "not hashed", "Description": "plain" },
          { "Value": "${sha256(ORDERS[1])}" },
          { "Type": "X509CertificateThumbprint", "Value": 5 }
        ]
      }
    ]
  }
}`
  const sidecar = await startSidecar(t, {
    settings: { resources: 'resources.json' },
    files: { 'resources.json': section },
    clients: CLIENTS,
  })
  const disabled = sidecar.log.filter(({ event }) => event === 'config.disabled')
  t.deepEqual(
    disabled.map(({ at }) => at),
    ['resources.json:11:59', 'resources.json:9:22'],
  )
  t.regex(String(disabled[1]?.['message']), /^resource "orders", secret "plain": /)
  t.false(JSON.stringify(sidecar.log).includes('not hashed'))
  const token = await tokenFor(sidecar, BATCH)
  t.true((await sidecar.send(aboutToken(INTROSPECTION, token, ORDERS))).json()['active'])
})
