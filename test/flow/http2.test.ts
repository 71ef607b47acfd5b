import test from 'ava'
import type { ExecutionContext } from 'ava'

import { aboutToken, INTROSPECTION } from '../support/ask-about-token.ts'
import { secretClient, sha256 } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { basic } from '../support/send.ts'
import type { Received, SendOptions } from '../support/send.ts'
import { openHttp2, sendHttp2, sendOn } from '../support/send-http2.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import { proofPair, signProof } from '../support/sign-proof.ts'
import { ISSUER } from '../support/start-sidecar.ts'
import { assertRefused, TOKEN, tokenOf, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'
const CREDENTIAL = { client_id: 'batch', client_secret: SECRET }
const AUTHORIZATION = { authorization: basic('batch', SECRET) }
const INVALID_TOKEN = { status: 401, error: 'invalid_token' } as const
/** Everything else comes from 127.0.0.1. */
const PROXY = '127.0.0.2'

const running = sharedSidecar(test, async () => {
  const { client, selfSignedClient } = await pki()
  return {
    settings: {
      routes: [
        { path: '/public/**', public: true },
        { path: '/orders/**', methods: ['GET', 'POST', 'HEAD'] },
        { path: '/admin/**', scopes: ['admin'] },
      ],
      verify: { proxies: [PROXY], dialect: 'path' },
    },
    clients: [
      secretClient('batch', SECRET),
      { clientId: 'named', clientSecrets: [{ type: 'X509Name', value: 'CN=client, O=Example' }] },
      {
        clientId: 'laptop',
        clientSecrets: [{ type: 'X509Thumbprint', value: selfSignedClient.x509.fingerprint256 }],
      },
      {
        clientId: 'signer',
        clientSecrets: [{ type: 'JWK', value: JSON.stringify(client.publicKeyJwk) }],
      },
    ],
    resources: [
      { name: 'api', scopes: ['read', 'write'], apiSecrets: [{ value: sha256(SECRET) }] },
    ],
  }
})

const ask = (t: ExecutionContext, options: SendOptions) => sendHttp2(t, running(), options)

function reaches(t: ExecutionContext, answer: Received, headers: Record<string, string>) {
  t.is(answer.status, 200, answer.text)
  t.is(answer.text, 'upstream says hello')
  const arrived = running().arrivedOf(answer)
  t.is(arrived.length, 1)
  t.like(arrived[0]?.headers, headers)
}

test('a secret proves a client over HTTP/2, and the API gets the request as it was sent', async (t) => {
  const body = Buffer.alloc(300_000, 'abc')
  const headers = { ...AUTHORIZATION, 'content-type': 'text/plain', 'x-own': 'kept' }
  const answer = await ask(t, { path: '/orders/1?a=%20b', body, headers })
  reaches(t, answer, { 'x-client-id': 'batch', 'x-own': 'kept', 'content-type': 'text/plain' })
  const [arrived] = running().arrivedOf(answer)
  t.is(arrived?.method, 'POST')
  t.is(arrived?.url, '/orders/1?a=%20b')
  t.true(arrived?.body.equals(body))
  t.is(arrived?.headers.authorization, undefined)
  t.is(arrived?.headers.host, `localhost:${running().port}`)
  t.is(arrived?.headers['transfer-encoding'], 'chunked')
  t.like(arrived?.headers, { 'x-forwarded-for': '127.0.0.1', 'x-forwarded-proto': 'https' })
})

for (const [name, sent] of [
  ['without a body', undefined],
  ['with an empty body', ''],
  ['with a small body', 'hello'],
  ['with a body of 64 KiB and one', 'a'.repeat(65_537)],
] as const) {
  for (const length of [true, false]) {
    test(`a request ${name} ${length ? 'and its length' : 'without its length'} arrives as such`, async (t) => {
      const size = String(sent?.length ?? 0)
      const headers = { ...AUTHORIZATION, ...(length && { 'content-length': size }) }
      const request = {
        method: 'POST',
        path: '/orders/1',
        headers,
        ...(sent !== undefined && { body: sent }),
      }
      const answer = await ask(t, request)
      reaches(t, answer, { 'x-client-id': 'batch' })
      t.is(running().arrivedOf(answer)[0]?.body.toString(), sent ?? '')
    })
  }
}

test('a certificate proves a client over HTTP/2: by its name and by its thumbprint', async (t) => {
  const { client, selfSignedClient, otherClient } = await pki()
  for (const [id, { cert, key }] of [
    ['named', client],
    ['laptop', selfSignedClient],
  ] as const) {
    reaches(t, await ask(t, { path: '/orders/1', cert, key }), { 'x-client-id': id })
  }
  const { cert, key } = otherClient
  const refused = await ask(t, { path: '/orders/1', cert, key })
  t.is(refused.status, 401)
  t.truthy(running().refusalOf(refused)?.['reason'])
})

test('a token is issued over HTTP/2 for an assertion, and counts over either protocol', async (t) => {
  const form = await signAssertion('signer', (await pki()).client.privateKeyJwk)
  const token = tokenOf(t, await ask(t, tokenRequest({ form })))
  const headers = { authorization: `Bearer ${token}` }
  reaches(t, await ask(t, { path: '/orders/1', headers }), { 'x-client-id': 'signer' })
  reaches(t, await running().send({ path: '/orders/1', headers }), { 'x-client-id': 'signer' })
})

test('a token that is bound to a certificate counts on its HTTP/2 connections only', async (t) => {
  const { selfSignedClient, otherClient } = await pki()
  const { cert, key } = selfSignedClient
  const form = { client_id: 'laptop' }
  const token = tokenOf(t, await ask(t, tokenRequest({ form, cert, key })))
  const headers = { authorization: `Bearer ${token}` }
  const mine = { path: '/orders/1', headers, cert, key }
  reaches(t, await ask(t, mine), { 'x-client-id': 'laptop' })
  reaches(t, await running().send(mine), { 'x-client-id': 'laptop' })
  for (const other of [{}, { cert: otherClient.cert, key: otherClient.key }]) {
    const refused = await ask(t, { path: '/orders/1', headers, ...other })
    assertRefused(t, running(), refused, { ...INVALID_TOKEN, reason: 'token-binding' })
  }
})

test('DPoP over HTTP/2: the proof is for the URL that the client knows', async (t) => {
  const pair = await proofPair()
  const dpop = await signProof(pair, { url: `${ISSUER}${TOKEN}`, method: 'POST' })
  const token = tokenOf(t, await ask(t, tokenRequest({ form: CREDENTIAL, headers: { dpop } })))
  const proof = (url: string) => signProof(pair, { url, token })
  const call = async (url: string) => {
    const headers = { authorization: `DPoP ${token}`, dpop: await proof(url) }
    return ask(t, { path: '/orders/1?a=1', headers })
  }
  reaches(t, await call(`${ISSUER}/orders/1`), { 'x-client-auth-method': 'dpop' })
  assertRefused(t, running(), await call(`${ISSUER}/orders/2`), {
    status: 401,
    error: 'invalid_dpop_proof',
    reason: 'dpop-htu',
  })
})

test('two proofs in two lines are refused, at the API and at an endpoint', async (t) => {
  const headers = { ...AUTHORIZATION, dpop: ['a', 'b'] }
  const answer = await ask(t, { path: '/orders/1', headers })
  t.is(answer.status, 400)
  t.is(running().refusalOf(answer)?.['reason'], 'header-repeated')
  const request = tokenRequest({ form: CREDENTIAL, headers: { dpop: ['a', 'b'] } })
  const refused = await ask(t, request)
  const reason = { status: 400, error: 'invalid_request', reason: 'repeated-header' }
  assertRefused(t, running(), refused, reason)
})

test('introspection, revocation, discovery and keys answer over HTTP/2 as over HTTP/1.1', async (t) => {
  const token = tokenOf(t, await ask(t, tokenRequest({ form: CREDENTIAL })))
  const about = aboutToken(INTROSPECTION, token, ['api', SECRET])
  t.like((await ask(t, about)).json(), { active: true, client_id: 'batch' })
  const revocation = aboutToken('/connect/revocation', token, ['batch', SECRET])
  t.is((await ask(t, revocation)).status, 200)
  t.deepEqual((await ask(t, about)).json(), { active: false })
  const base = '/.well-known/openid-configuration'
  for (const path of [base, `${base}/jwks`, '/.well-known/oauth-authorization-server']) {
    const [over1, over2] = [await running().send({ path }), await ask(t, { path })]
    t.is(over2.status, 200)
    t.is(over2.text, over1.text)
    t.is(over2.headers['content-type'], over1.headers['content-type'])
    t.is((await ask(t, { path, method: 'HEAD' })).text, '')
  }
})

test('a refusal is the same over either protocol, save what belongs to the connection', async (t) => {
  const big = 'a'.repeat(200_000)
  const requests: readonly SendOptions[] = [
    { path: '/orders/1' },
    { path: '/orders/1', headers: { authorization: basic('batch', 'wrong') } },
    { path: '/orders/1', method: 'HEAD' },
    { path: '/orders/1', method: 'DELETE' },
    { path: '/admin/1', headers: AUTHORIZATION },
    { path: '/orders/../admin', headers: AUTHORIZATION },
    { path: `/${'a'.repeat(9000)}`, headers: AUTHORIZATION },
    { path: '/orders/1', body: big },
    tokenRequest({ form: { ...CREDENTIAL, client_secret: 'wrong' } }),
    tokenRequest({ form: { ...CREDENTIAL, big } }),
    { path: TOKEN },
    { path: '/.well-known/openid-configuration', method: 'DELETE' },
  ]
  const changing = new Set([
    'connection',
    'keep-alive',
    'date',
    'x-request-id',
    'transfer-encoding',
  ])
  for (const request of requests) {
    const answers = [await running().send(request), await ask(t, request)]
    const [over1, over2] = answers.map((answer) => ({
      status: answer.status,
      text: answer.text,
      reason: running().refusalOf(answer)?.['reason'],
      headers: Object.fromEntries(
        Object.entries(answer.headers).filter(([name]) => !changing.has(name)),
      ),
    }))
    t.truthy(over2?.reason)
    t.deepEqual(over2, over1)
  }
})

test('a proxy may ask over HTTP/2 whether a request may pass', async (t) => {
  const question = { path: '/connect/verify/orders/1', headers: AUTHORIZATION, from: PROXY }
  const answer = await ask(t, question)
  t.is(answer.status, 200)
  t.is(answer.headers['x-client-id'], 'batch')
  t.is((await ask(t, { ...question, headers: {} })).status, 401)
  const stranger = await ask(t, { ...question, from: '127.0.0.1' })
  t.is(stranger.status, 403)
  t.is(running().refusalOf(stranger)?.['reason'], 'verify-proxy-unknown')
})

test('many requests at one time on one connection each get their own answer', async (t) => {
  const session = openHttp2(t, running())
  const answers = await Promise.all(
    Array.from({ length: 300 }, (_, index) => {
      const headers = index % 3 === 0 ? {} : AUTHORIZATION
      return sendOn(session, { path: `/orders/${index}`, body: `body ${index}`, headers })
    }),
  )
  for (const [index, answer] of answers.entries()) {
    t.is(answer.status, index % 3 === 0 ? 401 : 200)
    if (index % 3 === 0) continue
    t.like(running().arrivedOf(answer)[0], { url: `/orders/${index}` })
    t.is(running().arrivedOf(answer)[0]?.body.toString(), `body ${index}`)
  }
})

test('a malformed request over HTTP/2 leaves the others on its connection alone', async (t) => {
  const session = openHttp2(t, running())
  const bad = { path: '/orders/1', headers: { ...AUTHORIZATION, content_length: '5' } }
  const good = { path: '/orders/1', headers: AUTHORIZATION }
  const answers = await Promise.all([good, bad, good].map((request) => sendOn(session, request)))
  t.deepEqual(
    answers.map(({ status }) => status),
    [200, 400, 200],
  )
  t.is((await sendOn(session, good)).status, 200)
})
