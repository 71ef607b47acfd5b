import { createSecretKey } from 'node:crypto'

import test from 'ava'
import type { ExecutionContext } from 'ava'
import { exportSPKI, generateKeyPair } from 'jose'

import { secretClient } from '../support/clients.ts'
import { forgeToken } from '../support/forge-token.ts'
import type { Forgery } from '../support/forge-token.ts'
import { sendRaw } from '../support/send-raw.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { assertRefused, tokenOf, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'
const INVALID_TOKEN = { status: 401, error: 'invalid_token' } as const
const CHALLENGE = 'Bearer realm="vouchgate", error="invalid_token", Basic realm="vouchgate"'

const running = sharedSidecar(test, {
  clients: [secretClient('batch', SECRET, { clientName: 'Nightly batch' })],
})

const forged = (forgery?: Forgery) => forgeToken(running(), 'batch', forgery)

function call(token: string) {
  const headers = { authorization: `Bearer ${token}` }
  return running().send({ path: '/orders/1', headers })
}

async function assertInactive(t: ExecutionContext, token: string, reason: string) {
  const answer = await call(token)
  assertRefused(t, running(), answer, { ...INVALID_TOKEN, reason })
  t.is(answer.headers['www-authenticate'], CHALLENGE)
  t.deepEqual(running().arrivedOf(answer), [])
}

test('the caller is told to the upstream', async (t) => {
  const answer = await call(await forged())
  t.is(answer.status, 200, answer.text)
  t.like(running().arrivedOf(answer)[0]?.headers, {
    'x-client-id': 'batch',
    'x-client-name': 'Nightly batch',
    'x-client-scopes': 'read',
    'x-client-auth-method': 'bearer',
  })
})

for (const scheme of ['bearer', 'BEARER']) {
  test(`the scheme may be written ${scheme}`, async (t) => {
    const headers = { authorization: `${scheme} ${await forged()}` }
    t.is((await running().send({ path: '/', headers })).status, 200)
  })
}

const now = Math.floor(Date.now() / 1000)

for (const [what, forgery, reason] of [
  ['that has expired', { claims: { exp: now - 1 } }, 'token-expired'],
  ['that expires with a text', { claims: { exp: 'never' } }, 'jwt-exp'],
  ['that never expires', { claims: { exp: undefined } }, 'jwt-exp'],
  ['that is not yet valid', { claims: { nbf: now + 60 } }, 'jwt-not-yet-valid'],
  ['of another issuer', { claims: { iss: 'https://elsewhere.test' } }, 'jwt-iss'],
  ['of no issuer', { claims: { iss: undefined } }, 'jwt-iss'],
  ['that names no client', { claims: { client_id: undefined } }, 'jwt-malformed'],
  ['without an id', { claims: { jti: undefined } }, 'jwt-malformed'],
  ['of a client that is gone', { claims: { client_id: 'gone' } }, 'client-disabled'],
  ['of another type', { header: { typ: 'JWT' } }, 'jwt-type'],
  ['of no type', { header: { typ: undefined } }, 'jwt-type'],
  ['of an unknown key', { header: { kid: 'unknown' } }, 'jwt-kid-unknown'],
  ['that names no key', { header: { kid: undefined } }, 'jwt-kid-unknown'],
  ['bound to nothing', { claims: { cnf: null } }, 'jwt-malformed'],
  ['bound to a list', { claims: { cnf: ['x'] } }, 'jwt-malformed'],
  ['bound to an empty object', { claims: { cnf: {} } }, 'jwt-malformed'],
  ['bound to a number', { claims: { cnf: { 'x5t#S256': 1 } } }, 'jwt-malformed'],
  ['bound in a way unknown', { claims: { cnf: { jwk: {} } } }, 'jwt-malformed'],
  ['bound to a key of another kind', { claims: { cnf: { jkt: 'x' } } }, 'token-binding'],
] as const) {
  test(`a token ${what} is refused`, async (t) => {
    await assertInactive(t, await forged(forgery), reason)
  })
}

const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a token with alg none is refused', async (t) => {
  const { kid } = running().sidecar.snapshot.keyRing.current
  const [, payload = '', signature = ''] = (await forged()).split('.')
  const header = part({ alg: 'none', kid, typ: 'at+jwt' })
  await assertInactive(t, `${header}.${payload}.`, 'jwt-alg-not-allowed')
  await assertInactive(t, `${header}.${payload}.${signature}`, 'jwt-alg-not-allowed')
})

test('a token signed with the public key as a secret is refused', async (t) => {
  const { publicKey } = running().sidecar.snapshot.keyRing.current
  const key = createSecretKey(Buffer.from(await exportSPKI(publicKey)))
  const token = await forged({ header: { alg: 'HS256' }, key })
  await assertInactive(t, token, 'jwt-alg-not-allowed')
})

test('a token signed with another key under our key’s name is refused', async (t) => {
  const { privateKey } = await generateKeyPair('ES256')
  await assertInactive(t, await forged({ key: privateKey }), 'jwt-signature')
})

test('a token that was altered is refused, also after it was seen unaltered', async (t) => {
  const token = await forged()
  t.is((await call(token)).status, 200)
  const [header = '', payload = '', signature = ''] = token.split('.')
  const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as object
  const altered = `${header}.${part({ ...claims, scope: 'read admin' })}.${signature}`
  await assertInactive(t, altered, 'jwt-signature')
  await assertInactive(t, token.slice(0, -4), 'jwt-signature')
})

test('a token that is no JWT is refused', async (t) => {
  await assertInactive(t, 'A'.repeat(64), 'token-unknown')
  await assertInactive(t, 'a.b.c', 'jwt-malformed')
  await assertInactive(t, 'a.b.c.d.e', 'token-unknown')
})

for (const authorization of [
  'Bearer',
  'Bearer ',
  'Bearer a b',
  'Bearer "a"',
  'Bearer a,b',
  'Bearer ä',
]) {
  test(`${JSON.stringify(authorization)} is malformed`, async (t) => {
    const answer = await running().send({ path: '/', headers: { authorization } })
    assertRefused(t, running(), answer, {
      status: 400,
      error: 'invalid_request',
      reason: 'bearer-malformed',
    })
  })
}

test('a token in the query or in a form is none, and stays the upstream’s', async (t) => {
  const token = await forged()
  for (const request of [
    { path: `/orders?access_token=${token}` },
    { path: '/orders', form: { access_token: token } },
    { path: '/orders', headers: { cookie: `access_token=${token}` } },
    { path: '/orders', headers: { 'x-access-token': token } },
  ]) {
    const answer = await running().send(request)
    assertRefused(t, running(), answer, {
      status: 401,
      error: 'invalid_client',
      reason: 'no-credentials',
    })
  }
  const headers = { authorization: `Bearer ${token}` }
  const answer = await running().send({
    path: '/orders?access_token=other',
    form: { access_token: 'other' },
    headers,
  })
  t.is(answer.status, 200)
  const [arrived] = running().arrivedOf(answer)
  t.is(arrived?.url, '/orders?access_token=other')
  t.is(arrived?.body.toString(), 'access_token=other')
})

test('each request of a connection is judged alone', async (t) => {
  const [good, bad] = [`Bearer ${await forged()}`, `Bearer ${await forged({ claims: { exp: 1 } })}`]
  const request = (path: string, authorization?: string) =>
    `GET ${path} HTTP/1.1\r\nHost: localhost\r\n` +
    (authorization === undefined ? '' : `Authorization: ${authorization}\r\n`)
  const text = await sendRaw(
    running().port,
    running().pki.rootCa.pem,
    `${request('/one', good)}\r\n${request('/two')}\r\n${request('/three', good)}\r\n` +
      `${request('/four', bad)}Connection: close\r\n\r\n`,
  )
  t.deepEqual(text.match(/(?<=HTTP\/1\.1 )\d+/g), ['200', '401', '200', '401'])
  const urls = running().upstream.arrived.map(({ url }) => url)
  t.deepEqual(
    urls.filter((url) => /^\/(one|two|three|four)$/.test(url)),
    ['/one', '/three'],
  )
})

test('two tokens are refused, though both are good', async (t) => {
  const authorization = [`Bearer ${await forged()}`, `Bearer ${await forged()}`]
  const answer = await running().send({ path: '/', headers: { authorization } })
  t.is(answer.status, 400)
  t.is(running().refusalOf(answer)?.['reason'], 'header-repeated')
  t.deepEqual(running().arrivedOf(answer), [])
})

for (const [what, clients] of [
  ['disabled', [secretClient('batch', SECRET, { enabled: false })]],
  ['removed', []],
] as const) {
  test(`a token of a client that was ${what} since is refused`, async (t) => {
    const sidecar = await startSidecar(t, { clients: [secretClient('batch', SECRET)] })
    const form = { client_id: 'batch', client_secret: SECRET }
    const token = tokenOf(t, await sidecar.send(tokenRequest({ form })))
    const headers = { authorization: `Bearer ${token}` }
    t.is((await sidecar.send({ path: '/', headers })).status, 200)
    sidecar.write('clients.yaml', JSON.stringify({ clients }))
    t.true(await sidecar.sidecar.reload())
    const answer = await sidecar.send({ path: '/', headers })
    assertRefused(t, sidecar, answer, { ...INVALID_TOKEN, reason: 'client-disabled' })
  })
}

test('where an audience is demanded, tokens for others are refused', async (t) => {
  const sidecar = await startSidecar(t, {
    settings: { tokens: { audience: ['orders'] } },
    clients: [secretClient('batch', SECRET)],
    resources: [
      { name: 'orders', scopes: ['read'] },
      { name: 'archive', scopes: ['write'] },
    ],
  })
  const ask = async (scope: string) => {
    const form = { client_id: 'batch', client_secret: SECRET, scope }
    const token = tokenOf(t, await sidecar.send(tokenRequest({ form })))
    return sidecar.send({ path: '/', headers: { authorization: `Bearer ${token}` } })
  }
  t.is((await ask('read')).status, 200)
  t.is((await ask('read write')).status, 200)
  assertRefused(t, sidecar, await ask('write'), {
    ...INVALID_TOKEN,
    reason: 'token-audience',
    line: { got: 'archive', want: 'orders' },
  })
})
