import test from 'ava'
import * as oauth from 'oauth4webapi'

import {
  aboutToken,
  callApi,
  INTROSPECTION,
  lineOf,
  REVOCATION,
  tokenFor,
} from '../support/ask-about-token.ts'
import type { Asker } from '../support/ask-about-token.ts'
import { secretClient, sha256 } from '../support/clients.ts'
import { fetchFrom } from '../support/fetch-from.ts'
import { pki } from '../support/pki.ts'
import type { Received, SendOptions } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'
import { ail, onStore } from '../support/state-plugin.ts'
import {
  assertRefused,
  INVALID_CLIENT,
  INVALID_REQUEST,
  tokenOf,
  tokenRequest,
} from '../support/token-request.ts'

const SECRET = 'a generated secret'
const BATCH: Asker = ['batch', SECRET]
const HANDLES: Asker = ['handles', SECRET]
const ORDERS: Asker = ['orders', 'the secret of an API']
const INVALID_TOKEN = { status: 401, error: 'invalid_token' } as const

const CLIENTS = [
  secretClient('batch', SECRET),
  secretClient('handles', SECRET, { accessTokenType: 'Reference' }),
  { clientId: 'open', requireClientSecret: false, allowedScopes: ['read'] },
]
const RESOURCES = [
  { name: 'orders', scopes: ['read', 'write'], apiSecrets: [{ value: sha256(ORDERS[1]) }] },
]
const KINDS = [
  ['JWT', BATCH, 'token-revoked'],
  ['handle', HANDLES, 'token-unknown'],
] as const

const running = sharedSidecar(test, async () => {
  const { client } = await pki()
  const bound = {
    clientId: 'bound',
    clientSecrets: [{ type: 'X509Thumbprint', value: client.x509.fingerprint256 }],
    allowedScopes: ['read'],
    accessTokenType: 'Reference',
  }
  return { clients: [...CLIENTS, bound], resources: RESOURCES }
})

function revoke(token: string, asker: Asker, more: SendOptions = {}): Promise<Received> {
  return running().send(aboutToken(REVOCATION, token, asker, more))
}

/** What the API says, and what introspection says. */
async function stateOf(sidecar: Running, token: string) {
  const called = await callApi(sidecar, token)
  const asked = await sidecar.send(aboutToken(INTROSPECTION, token, ORDERS))
  return {
    called: called.status,
    reason: sidecar.refusalOf(called)?.['reason'],
    active: asked.json()['active'],
    why: lineOf(sidecar, 'introspection.inactive', asked)?.['reason'],
  }
}

const ALIVE = { called: 200, reason: undefined, active: true, why: undefined }

for (const [kind, asker, why] of KINDS) {
  test(`a ${kind} that is revoked counts no more, also where it was known`, async (t) => {
    const token = await tokenFor(running(), asker)
    const other = await tokenFor(running(), asker)
    t.deepEqual(await stateOf(running(), token), ALIVE)
    t.deepEqual(await stateOf(running(), other), ALIVE)
    const answer = await revoke(token, asker)
    t.is(answer.status, 200)
    t.is(answer.text, '')
    t.is(answer.headers['cache-control'], 'no-store')
    t.like(lineOf(running(), 'token.revoked', answer), { client: asker[0] })
    const dead = { called: 401, reason: 'token-revoked', active: false, why }
    t.deepEqual(await stateOf(running(), token), dead)
    t.deepEqual(await stateOf(running(), other), ALIVE, 'only that one')
    const again = await revoke(token, asker)
    t.is(again.status, 200)
    t.like(lineOf(running(), 'revocation.ignored', again), { client: asker[0], reason: why })
  })

  test(`a ${kind} that was never used is revoked all the same`, async (t) => {
    const token = await tokenFor(running(), asker)
    await revoke(token, asker)
    assertRefused(t, running(), await callApi(running(), token), { ...INVALID_TOKEN, reason: why })
  })

  test(`a ${kind} of another client is left alone, and the caller is told the same`, async (t) => {
    const token = await tokenFor(running(), asker)
    const stranger = asker === BATCH ? HANDLES : BATCH
    const answer = await revoke(token, stranger)
    t.is(answer.status, 200)
    t.is(answer.text, '')
    t.like(lineOf(running(), 'revocation.ignored', answer), {
      reason: 'token-of-another-client',
      client: stranger[0],
      got: asker[0],
    })
    t.deepEqual(await stateOf(running(), token), ALIVE)
  })

  test(`a ${kind} stays revoked after a restart`, async (t) => {
    const first = await startSidecar(t, {
      settings: { state: { use: 'sqlite', path: 'state.db' } },
      clients: CLIENTS,
      resources: RESOURCES,
    })
    const [revoked, kept] = [await tokenFor(first, asker), await tokenFor(first, asker)]
    t.is((await first.send(aboutToken(REVOCATION, revoked, asker))).status, 200)
    const second = await first.restart()
    const dead = { called: 401, reason: why, active: false, why }
    t.deepEqual(await stateOf(second, revoked), dead)
    t.deepEqual(await stateOf(second, kept), ALIVE)
  })

  test(`a ${kind} that one replica revokes is refused by another that knew it`, async (t) => {
    const options = { clients: CLIENTS, resources: RESOURCES }
    const store = `two replicas, ${kind}`
    const one = await startSidecar(t, onStore(store, options))
    const two = await startSidecar(t, onStore(store, options))
    const token = await tokenFor(one, asker)
    t.deepEqual(await stateOf(two, token), ALIVE)
    t.is((await one.send(aboutToken(REVOCATION, token, asker))).status, 200)
    const dead = { called: 401, reason: 'token-revoked', active: false, why }
    t.deepEqual(await stateOf(two, token), dead)
  })

  test(`who revokes a ${kind} forgets it at once, before the store tells it so`, async (t) => {
    const options = { clients: CLIENTS, resources: RESOURCES }
    const sidecar = await startSidecar(t, onStore(`hears nothing, ${kind}`, options, false))
    const token = await tokenFor(sidecar, asker)
    t.deepEqual(await stateOf(sidecar, token), ALIVE)
    await sidecar.send(aboutToken(REVOCATION, token, asker))
    t.like(await stateOf(sidecar, token), { called: 401, reason: 'token-revoked' })
  })

  test(`a ${kind} that was known before a reload is revoked after it`, async (t) => {
    const sidecar = await startSidecar(t, { clients: CLIENTS, resources: RESOURCES })
    const token = await tokenFor(sidecar, asker)
    t.deepEqual(await stateOf(sidecar, token), ALIVE)
    t.true(await sidecar.sidecar.reload())
    t.deepEqual(await stateOf(sidecar, token), ALIVE)
    await sidecar.send(aboutToken(REVOCATION, token, asker))
    t.like(await stateOf(sidecar, token), { called: 401, active: false })
  })

  for (const trouble of ['fails publish', 'fails set', 'fails del', 'hangs'] as const) {
    const concerns = !trouble.endsWith(kind === 'JWT' ? 'del' : 'set')
    if (!concerns) continue
    test(`a ${kind} is not called revoked when the store ${trouble}; trying again revokes it`, async (t) => {
      const options = { clients: CLIENTS, resources: RESOURCES }
      const one = await startSidecar(t, onStore(`${trouble}, ${kind}`, options))
      const two = await startSidecar(t, onStore(`${trouble}, ${kind}`, options))
      const token = await tokenFor(one, asker)
      t.deepEqual(await stateOf(two, token), ALIVE)
      ail(one.folder, trouble)
      const answer = await one.send(aboutToken(REVOCATION, token, asker))
      assertRefused(t, one, answer, {
        status: 503,
        error: 'temporarily_unavailable',
        reason: 'state-unavailable',
      })
      t.is(answer.headers['retry-after'], '5')
      ail(one.folder, undefined)
      t.is((await one.send(aboutToken(REVOCATION, token, asker))).status, 200)
      for (const sidecar of [one, two])
        t.like(await stateOf(sidecar, token), { called: 401, active: false, why })
    })
  }
}

test('a revoked JWT counts in no other spelling either', async (t) => {
  const token = await tokenFor(running(), BATCH)
  const [header = '', payload = '', signature = ''] = token.split('.')
  // An ES256 signature (r, s) holds as (r, n − s) too, and the last character has bits that mean nothing.
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n
  const bytes = Buffer.from(signature, 'base64url')
  const s = order - BigInt(`0x${bytes.subarray(32).toString('hex')}`)
  const other = Buffer.from(s.toString(16).padStart(64, '0'), 'hex')
  const spellings = [
    `${header}.${payload}.${Buffer.concat([bytes.subarray(0, 32), other]).toString('base64url')}`,
    `${token.slice(0, -1)}${{ A: 'B', Q: 'R', g: 'h', w: 'x' }[token.slice(-1)] ?? ''}`,
  ]
  for (const spelling of spellings) {
    t.not(spelling, token)
    t.is((await callApi(running(), spelling)).status, 200)
  }
  t.is((await revoke(token, BATCH)).status, 200)
  for (const spelling of [token, ...spellings]) {
    const answer = await callApi(running(), spelling)
    assertRefused(t, running(), answer, { ...INVALID_TOKEN, reason: 'token-revoked' })
  }
})

for (const token of ['D'.repeat(64), 'x', 'a.b.c', 'x'.repeat(20_000)]) {
  test(`to revoke ${token.slice(0, 10)} (${token.length}) does nothing, quietly`, async (t) => {
    const answer = await revoke(token, BATCH)
    t.is(answer.status, 200)
    t.is(answer.text, '')
    t.truthy(lineOf(running(), 'revocation.ignored', answer))
  })
}

test('a hint about the type of the token decides nothing', async (t) => {
  for (const hint of ['access_token', 'refresh_token', 'pct', 'nonsense']) {
    const token = await tokenFor(running(), HANDLES)
    const answer = await revoke(token, HANDLES, { form: { token_type_hint: hint } })
    t.is(answer.status, 200, hint)
    t.is((await callApi(running(), token)).status, 401, hint)
  }
})

for (const [what, asker, reason] of [
  ['nobody knows', ['nobody', SECRET], 'client-unknown'],
  ['gives a wrong secret', ['batch', 'wrong'], 'secret-mismatch'],
] as const) {
  test(`a client that ${what} revokes nothing`, async (t) => {
    const token = await tokenFor(running(), BATCH)
    const answer = await revoke(token, asker)
    assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason })
    t.is(answer.headers['www-authenticate'], 'Basic realm="vouchgate"')
    t.deepEqual(await stateOf(running(), token), ALIVE)
  })
}

for (const [what, change, reason] of [
  ['without a token', { form: { token: '' } }, 'token-missing'],
  ['by GET', { method: 'GET' }, 'not-post'],
  ['in JSON', { headers: { 'content-type': 'application/json' } }, 'not-a-form'],
  ['with a query', { path: `${REVOCATION}?token=x` }, 'query-on-revocation-endpoint'],
] as const) {
  test(`a request ${what} is malformed`, async (t) => {
    const answer = await revoke(await tokenFor(running(), BATCH), BATCH, change)
    assertRefused(t, running(), answer, { ...INVALID_REQUEST, reason })
  })
}

test('a client that needs no secret may give its own token back (RFC 7009 §5)', async (t) => {
  const credential = { client_id: 'open' }
  const token = tokenOf(t, await running().send(tokenRequest({ form: credential })))
  const answer = await running().send({ path: REVOCATION, form: { token, ...credential } })
  t.is(answer.status, 200)
  t.like(await stateOf(running(), token), { called: 401, active: false })
})

test('a client proves itself by its certificate, also where one is demanded', async (t) => {
  const { client } = await pki()
  const { cert, key } = client
  const form = { client_id: 'bound' }
  for (const path of [REVOCATION, '/connect/mtls/revocation']) {
    const token = tokenOf(t, await running().send(tokenRequest({ form, cert, key })))
    const answer = await running().send({ path, form: { token, ...form }, cert, key })
    t.truthy(lineOf(running(), 'token.revoked', answer), path)
  }
  const answer = await revoke('x', BATCH, { path: '/connect/mtls/revocation' })
  assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'cert-missing' })
})

test('oauth4webapi revokes', async (t) => {
  const options = { [oauth.customFetch]: fetchFrom(t, running()) as never }
  const issuer = new URL(running().issuer)
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' }),
  )
  const client: oauth.Client = { client_id: HANDLES[0] }
  const token = await tokenFor(running(), HANDLES)
  const authentication = oauth.ClientSecretPost(HANDLES[1])
  const response = await oauth.revocationRequest(server, client, authentication, token, options)
  t.is(await oauth.processRevocationResponse(response), undefined)
  t.is((await callApi(running(), token)).status, 401)
})

test('answers are counted by their result', async (t) => {
  const sidecar = await startSidecar(t, { clients: CLIENTS })
  for (const token of ['x', 'y', await tokenFor(sidecar, HANDLES)])
    await sidecar.send(aboutToken(REVOCATION, token, HANDLES))
  const url = `http://127.0.0.1:${sidecar.sidecar.operationsPort}/metrics`
  const text = await (await fetch(url)).text()
  t.regex(text, /vouchgate_revocation_requests_total\{result="revoked"\} 1\n/)
  t.regex(text, /vouchgate_revocation_requests_total\{result="ignored"\} 2\n/)
})

test('no token and no secret is in the log or in the files of the store', async (t) => {
  const sidecar = await startSidecar(t, {
    settings: { log: { level: 'debug' } },
    clients: CLIENTS,
    resources: RESOURCES,
  })
  const tokens = [await tokenFor(sidecar, BATCH), await tokenFor(sidecar, HANDLES)]
  for (const token of tokens) {
    for (const asker of [BATCH, HANDLES]) {
      await sidecar.send(aboutToken(INTROSPECTION, token, asker))
      await sidecar.send(aboutToken(REVOCATION, token, asker))
    }
    await sidecar.send(aboutToken(INTROSPECTION, token, ORDERS))
    await sidecar.send(aboutToken(INTROSPECTION, token, ['orders', `${ORDERS[1]} `]))
    await callApi(sidecar, token)
  }
  const log = JSON.stringify(sidecar.log)
  t.true(log.includes('token.revoked'))
  for (const canary of [...tokens, ...tokens.map((one) => one.split('.').at(-1) ?? ''), SECRET])
    t.false(log.includes(canary))
  t.false(log.includes(ORDERS[1]))
})

test('as IdentityServer answers, so it answers in its mode', async (t) => {
  const sidecar = await startSidecar(t, {
    settings: { compatibility: 'identityserver4' },
    clients: CLIENTS,
    resources: RESOURCES,
  })
  const token = await tokenFor(sidecar, HANDLES)
  const good = aboutToken(REVOCATION, token, HANDLES)
  const text = { 'content-type': 'text/plain' }
  const hint = { form: { token_type_hint: 'pct' } }
  for (const [request, status, body, reason] of [
    [{ ...good, method: 'GET' }, 405, '', 'not-post'],
    [{ ...good, headers: { ...good.headers, ...text } }, 415, '', 'not-a-form'],
    [
      aboutToken(REVOCATION, token, ['handles', 'wrong']),
      400,
      '{"error":"invalid_client"}',
      'secret-mismatch',
    ],
    [aboutToken(REVOCATION, '', HANDLES), 400, '{"error":"invalid_request"}', 'token-missing'],
    [
      aboutToken(REVOCATION, token, HANDLES, hint),
      400,
      '{"error":"unsupported_token_type"}',
      'token-type-hint-unknown',
    ],
  ] as const) {
    const answer = await sidecar.send(request)
    t.is(answer.status, status)
    t.is(answer.text, body)
    t.like(sidecar.refusalOf(answer), { status, reason })
  }
  t.is((await callApi(sidecar, token)).status, 200)
  const known = { form: { token_type_hint: 'refresh_token' } }
  t.is((await sidecar.send(aboutToken(REVOCATION, token, HANDLES, known))).status, 200)
  t.is((await callApi(sidecar, token)).status, 401)
})
