import test from 'ava'
import { SignJWT } from 'jose'

import { aboutToken, INTROSPECTION, lineOf, tokenFor } from '../support/ask-about-token.ts'
import type { Asker } from '../support/ask-about-token.ts'
import { BATCH, HANDLES, introspectionParties, ORDERS } from '../support/introspection-parties.ts'
import { pki } from '../support/pki.ts'
import { basic } from '../support/send.ts'
import type { Received, SendOptions } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { assertRefused, INVALID_REQUEST, tokenOf, tokenRequest } from '../support/token-request.ts'

const INACTIVE = '{"active":false}'

const running = sharedSidecar(test, async () => (await introspectionParties()).options)

function ask(token: string, asker: Asker = ORDERS, more: SendOptions = {}): Promise<Received> {
  return running().send(aboutToken(INTROSPECTION, token, asker, more))
}

function forge(
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const { kid, algorithm, privateKey } = running().sidecar.snapshot.keyRing.current
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({
    iss: running().issuer,
    iat: now,
    exp: now + 60,
    aud: 'orders',
    client_id: 'batch',
    scope: 'read',
    jti: 'one',
    ...claims,
  })
    .setProtectedHeader({ alg: algorithm, kid, typ: 'at+jwt', ...header })
    .sign(privateKey)
}

for (const [kind, client] of [
  ['JWT', BATCH],
  ['handle', HANDLES],
] as const) {
  test(`a resource learns of a ${kind} what concerns it`, async (t) => {
    const answer = await ask(await tokenFor(running(), client))
    t.is(answer.status, 200, answer.text)
    t.is(answer.headers['content-type'], 'application/json; charset=UTF-8')
    t.is(answer.headers['cache-control'], 'no-store')
    t.is(answer.headers['pragma'], 'no-cache')
    const { iat, exp, jti, ...rest } = answer.json<{ iat: number; exp: number; jti: string }>()
    t.is(exp - iat, 3600)
    t.regex(jti, /^[0-9A-F]{32}$/)
    t.deepEqual(rest as unknown, {
      active: true,
      iss: running().issuer,
      aud: ['orders', 'invoices', 'twin', 'mute'],
      client_id: client[0],
      sub: client[0],
      client_tenant: 'acme',
      token_type: 'Bearer',
      scope: 'read write',
    })
  })
}

test('each resource sees only its own scopes', async (t) => {
  const token = await tokenFor(running(), BATCH)
  t.is((await ask(token, ['invoices', 'i'])).json()['scope'], 'write bill')
  t.is((await ask(token, ['twin', 't'])).json()['scope'], 'read')
})

test('what a bound token is bound to is said', async (t) => {
  const { client } = await pki()
  const request = tokenRequest({ form: { client_id: 'bound' }, cert: client.cert, key: client.key })
  const token = tokenOf(t, await running().send(request))
  const { cnf } = (await ask(token)).json<{ cnf: unknown }>()
  t.deepEqual(cnf, {
    'x5t#S256': Buffer.from(client.x509.fingerprint256.replaceAll(':', ''), 'hex').toString(
      'base64url',
    ),
  })
})

test('claims of a client’s definition cannot pass for ours', async (t) => {
  const answer = await ask(await tokenFor(running(), ['forger', BATCH[1]]))
  t.like(answer.json(), { active: true, token_type: 'Bearer', scope: 'read write' })
  t.false(answer.text.includes('forged'))
})

test('a client is told of its own tokens', async (t) => {
  for (const client of [BATCH, HANDLES]) {
    const answer = await ask(await tokenFor(running(), client), client)
    t.like(answer.json(), { active: true, client_id: client[0], scope: 'read write bill' })
  }
})

for (const [what, make, asker, line] of [
  [
    'without a scope of the resource',
    () => tokenFor(running(), BATCH, { scope: 'bill' }),
    ORDERS,
    { reason: 'scope-missing', got: 'bill', want: 'one of: read write' },
  ],
  [
    'that was asked for another resource with a scope in common',
    () => tokenFor(running(), BATCH, { scope: 'write', resource: 'orders' }),
    ['invoices', 'i'],
    { reason: 'token-audience', got: 'orders', want: 'invoices' },
  ],
  [
    'of another client, asked by a client',
    () => tokenFor(running(), BATCH),
    HANDLES,
    { reason: 'token-of-another-client', callerKind: 'client', caller: 'handles' },
  ],
  [
    'that has expired',
    () => forge({ exp: Math.floor(Date.now() / 1000) - 1 }),
    ORDERS,
    { reason: 'token-expired' },
  ],
  [
    'of another issuer',
    () => forge({ iss: 'https://elsewhere.test' }),
    ORDERS,
    { reason: 'jwt-iss' },
  ],
  ['of another type', () => forge({}, { typ: 'JWT' }), ORDERS, { reason: 'jwt-type' }],
  ['whose id is no text', () => forge({ jti: 1 }), ORDERS, { reason: 'jwt-malformed' }],
  ['without an audience', () => forge({ aud: undefined }), ORDERS, { reason: 'token-audience' }],
  [
    'of a client that is gone',
    () => forge({ client_id: 'x' }),
    ORDERS,
    { reason: 'client-disabled' },
  ],
  ['that nobody gave out', async () => 'C'.repeat(64), ORDERS, { reason: 'token-unknown' }],
  ['that is nonsense', async () => 'n%n sense', ORDERS, { reason: 'token-unknown' }],
  ['that is nonsense with dots', async () => 'a.b.c', ORDERS, { reason: 'jwt-malformed' }],
  ['with too many dots', async () => 'a.b.c.d', ORDERS, { reason: 'token-unknown' }],
  [
    'that is too long',
    async () => `a.${'b'.repeat(20_000)}.c`,
    ORDERS,
    { reason: 'token-too-long' },
  ],
] as const) {
  test(`a token ${what} is inactive, and only the log says why`, async (t) => {
    const answer = await ask(await make(), asker)
    t.is(answer.status, 200)
    t.is(answer.text, INACTIVE)
    t.is(answer.headers['cache-control'], 'no-store')
    const described = { callerKind: 'resource', caller: asker[0], ...line }
    t.like(lineOf(running(), 'introspection.inactive', answer), described)
  })
}

test('a hint about the type of the token decides nothing', async (t) => {
  const token = await tokenFor(running(), HANDLES)
  for (const hint of ['access_token', 'refresh_token', 'nonsense']) {
    t.true((await ask(token, ORDERS, { form: { token_type_hint: hint } })).json()['active'], hint)
  }
})

for (const [what, change, reason] of [
  ['without a token', { form: { token: '' } }, 'token-missing'],
  ['by GET', { method: 'GET' }, 'not-post'],
  ['by PUT', { method: 'PUT' }, 'not-post'],
  ['in JSON', { headers: { 'content-type': 'application/json' } }, 'not-a-form'],
  ['with a query', { path: `${INTROSPECTION}?token=x` }, 'query-on-introspection-endpoint'],
  [
    'with two credentials',
    { form: { client_id: 'orders', client_secret: 'x' } },
    'several-credentials',
  ],
] as const) {
  test(`a request ${what} is malformed`, async (t) => {
    const answer = await ask(await tokenFor(running(), BATCH), ORDERS, change)
    assertRefused(t, running(), answer, { ...INVALID_REQUEST, reason })
  })
}

test('two tokens in one request are malformed', async (t) => {
  const answer = await running().send({
    path: INTROSPECTION,
    body: 'token=a&token=b',
    headers: {
      authorization: basic(...ORDERS),
      'content-type': 'application/x-www-form-urlencoded',
    },
  })
  assertRefused(t, running(), answer, { ...INVALID_REQUEST, reason: 'repeated-parameter' })
})
