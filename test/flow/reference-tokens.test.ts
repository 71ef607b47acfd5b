import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import test from 'ava'
import { SignJWT } from 'jose'

import { aboutToken, callApi, INTROSPECTION, tokenFor } from '../support/ask-about-token.ts'
import { secretClient, sha256 } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { basic } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { ail, onStore } from '../support/state-plugin.ts'
import { assertRefused, tokenOf, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'
const BATCH = ['batch', SECRET] as const
const JWTS = ['jwts', SECRET] as const
const HANDLE = /^[0-9A-F]{64}$/
const INVALID_TOKEN = { status: 401, error: 'invalid_token' } as const
const UNAVAILABLE = {
  status: 503,
  error: 'temporarily_unavailable',
  reason: 'state-unavailable',
} as const

const REFERENCE = { accessTokenType: 'Reference' }
const CLIENTS = [secretClient('batch', SECRET, REFERENCE), secretClient('jwts', SECRET)]
const RESOURCES = [
  { name: 'orders', scopes: ['read', 'write'], apiSecrets: [{ value: sha256(SECRET) }] },
]

const running = sharedSidecar(test, async () => {
  const { client } = await pki()
  return {
    clients: [
      ...CLIENTS,
      secretClient('number', SECRET, { accessTokenType: 1 }),
      {
        clientId: 'bound',
        clientSecrets: [{ type: 'X509Thumbprint', value: client.x509.fingerprint256 }],
        allowedScopes: ['read'],
        ...REFERENCE,
      },
    ],
    resources: RESOURCES,
  }
})

test('a client of reference tokens gets a handle, each time another', async (t) => {
  const request = tokenRequest({ headers: { authorization: basic(...BATCH) } })
  const answer = await running().send(request)
  const token = tokenOf(t, answer)
  t.regex(token, HANDLE)
  const { access_token: _, ...rest } = answer.json()
  t.deepEqual(rest as unknown, { expires_in: 3600, token_type: 'Bearer', scope: 'read write' })
  t.not(tokenOf(t, await running().send(request)), token)
})

test('the type may be written as the number of IdentityServer’s enumeration', async (t) => {
  t.regex(await tokenFor(running(), ['number', SECRET]), HANDLE)
})

test('the API is called with a handle, and is told who called', async (t) => {
  const token = await tokenFor(running(), BATCH, { scope: 'read' })
  for (const time of ['first', 'second']) {
    const answer = await callApi(running(), token)
    t.is(answer.status, 200, time)
    t.like(running().arrivedOf(answer)[0]?.headers, {
      'x-client-id': 'batch',
      'x-client-scopes': 'read',
      'x-client-auth-method': 'bearer',
    })
  }
})

for (const [what, change] of [
  ['that nobody got', () => 'A'.repeat(64)],
  ['in small letters', (token: string) => token.toLowerCase()],
  ['with one digit less', (token: string) => token.slice(1)],
  ['with one digit more', (token: string) => `${token}0`],
  ['with a version', (token: string) => `${token}-1`],
  [
    'with another last digit',
    (token: string) => `${token.slice(0, -1)}${token.endsWith('0') ? 1 : 0}`,
  ],
  ['of one character', () => 'x'],
] as const) {
  test(`a handle ${what} is refused`, async (t) => {
    const token = change(await tokenFor(running(), BATCH))
    const answer = await callApi(running(), token)
    assertRefused(t, running(), answer, { ...INVALID_TOKEN, reason: 'token-unknown' })
    t.deepEqual(running().arrivedOf(answer), [])
  })
}

test('a handle counts until it expires, also from memory', async (t) => {
  const token = await tokenFor(running(), BATCH)
  const { snapshot } = running().sidecar
  const after = (seconds: number) => new Date(Date.now() + seconds * 1000)
  t.true((await snapshot.introspect(token, after(3590))).active)
  t.like(await snapshot.introspect(token, after(3601)), {
    active: false,
    refusal: { reason: 'token-expired' },
  })
})

test('a handle that a certificate proved counts on that certificate alone', async (t) => {
  const { client, otherClient } = await pki()
  const request = tokenRequest({ form: { client_id: 'bound' }, cert: client.cert, key: client.key })
  const token = tokenOf(t, await running().send(request))
  const headers = { authorization: `Bearer ${token}` }
  const good = await running().send({ headers, cert: client.cert, key: client.key })
  t.is(good.status, 200, good.text)
  for (const { cert, key } of [{ cert: undefined, key: undefined }, otherClient]) {
    const answer = await running().send({ headers, cert, key })
    assertRefused(t, running(), answer, { ...INVALID_TOKEN, reason: 'token-binding' })
  }
})

test('a handle survives a restart, and is not in the files of the store', async (t) => {
  const first = await startSidecar(t, {
    settings: { state: { use: 'sqlite', path: 'state/state.db' } },
    clients: CLIENTS,
    resources: RESOURCES,
  })
  const token = await tokenFor(first, BATCH)
  const folder = path.join(first.folder, 'state')
  const contents = readdirSync(folder).map((name) =>
    readFileSync(path.join(folder, name), 'latin1'),
  )
  t.true(contents.some((content) => content.includes('reference-token:')))
  t.false(contents.some((content) => content.includes(token)))
  const second = await first.restart()
  t.is((await callApi(second, token)).status, 200)
})

test('a handle of another issuer in the same store does not count', async (t) => {
  const state = { use: 'sqlite', path: 'state.db' }
  const first = await startSidecar(t, { settings: { state }, clients: CLIENTS })
  const token = await tokenFor(first, BATCH)
  first.configure({ state, issuer: 'https://renamed.test' })
  const second = await first.restart()
  assertRefused(t, second, await callApi(second, token), {
    ...INVALID_TOKEN,
    reason: 'token-iss',
    line: { got: first.issuer, want: 'https://renamed.test' },
  })
})

for (const trouble of ['fails', 'hangs'] as const) {
  test(`while the store ${trouble} tokens are neither made nor believed, and nothing of it is remembered`, async (t) => {
    const sidecar = await startSidecar(
      t,
      onStore(`reference-tokens ${trouble}`, { clients: CLIENTS, resources: RESOURCES }),
    )
    const handle = await tokenFor(sidecar, BATCH)
    const [known, unknown] = [await tokenFor(sidecar, JWTS), await tokenFor(sidecar, JWTS)]
    t.is((await callApi(sidecar, known)).status, 200)

    ail(sidecar.folder, trouble)
    for (const token of [handle, unknown, 'B'.repeat(64)]) {
      const answer = await callApi(sidecar, token)
      assertRefused(t, sidecar, answer, UNAVAILABLE)
      t.is(answer.headers['retry-after'], '5')
      t.deepEqual(sidecar.arrivedOf(answer), [])
      const asked = await sidecar.send(aboutToken(INTROSPECTION, token, ['orders', SECRET]))
      assertRefused(t, sidecar, asked, UNAVAILABLE)
      t.false('active' in asked.json())
    }
    const issued = await sidecar.send(tokenRequest({ headers: { authorization: basic(...BATCH) } }))
    assertRefused(t, sidecar, issued, UNAVAILABLE)
    t.is(issued.headers['retry-after'], '5')
    t.is((await callApi(sidecar, known)).status, 200, 'what is in memory needs no store')
    t.is(
      (await callApi(sidecar, 'nonsense')).status,
      401,
      'what has no form of ours needs no store',
    )

    const { privateKey } = sidecar.sidecar.snapshot.keyRing.current
    const ofNewKey = await new SignJWT({ client_id: 'jwts', jti: 'x' })
      .setProtectedHeader({ alg: 'ES256', kid: 'of another replica', typ: 'at+jwt' })
      .setIssuer(sidecar.issuer)
      .setExpirationTime('1m')
      .sign(privateKey)
    assertRefused(t, sidecar, await callApi(sidecar, ofNewKey), UNAVAILABLE)

    ail(sidecar.folder, undefined)
    t.is((await callApi(sidecar, handle)).status, 200)
    t.is((await callApi(sidecar, unknown)).status, 200)
  })
}

test('what cannot be read in the store does not count', async (t) => {
  const sidecar = await startSidecar(t, onStore('unreadable', { clients: CLIENTS }))
  const stores = Reflect.get(globalThis, Symbol.for('stores of the tests')) as ReadonlyMap<
    string,
    { readonly entries: Map<string, { value: string }> }
  >
  const entries = stores.get('unreadable')?.entries ?? new Map<string, { value: string }>()
  for (const value of ['', '{', 'null', '[]', '"text"', '{"iss":"https://sidecar.test"}']) {
    const token = await tokenFor(sidecar, BATCH)
    const key = [...entries.keys()].find((one) => one.startsWith('reference-token:')) ?? ''
    entries.set(key, { value })
    const answer = await callApi(sidecar, token)
    assertRefused(t, sidecar, answer, { ...INVALID_TOKEN, reason: 'token-malformed' })
    entries.delete(key)
  }
})

test('tokens are counted by their type', async (t) => {
  const sidecar = await startSidecar(t, { clients: CLIENTS })
  await tokenFor(sidecar, BATCH)
  await tokenFor(sidecar, JWTS)
  const url = `http://127.0.0.1:${sidecar.sidecar.operationsPort}/metrics`
  const text = await (await fetch(url)).text()
  for (const type of ['reference', 'jwt'])
    t.true(
      text.includes(
        `vouchgate_tokens_issued_total{auth_method="client_secret_post",type="${type}"} 1`,
      ),
    )
})
