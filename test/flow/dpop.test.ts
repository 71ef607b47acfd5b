import { createHash } from 'node:crypto'

import test from 'ava'
import { decodeJwt } from 'jose'
import * as oauth from 'oauth4webapi'

import { aboutToken, INTROSPECTION } from '../support/ask-about-token.ts'
import { secretClient } from '../support/clients.ts'
import { fetchFrom } from '../support/fetch-from.ts'
import { pki } from '../support/pki.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { proofPair, signProof } from '../support/sign-proof.ts'
import type { ProofOptions, ProofPair } from '../support/sign-proof.ts'
import { ail, onStore } from '../support/state-plugin.ts'
import { ISSUER, startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'
import { assertRefused, TOKEN, tokenOf, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'
const CREDENTIAL = { client_id: 'batch', client_secret: SECRET }
const API = `${ISSUER}/orders/1`
const INVALID_PROOF = { status: 400, error: 'invalid_dpop_proof' } as const
const UNPROVEN = { status: 401, error: 'invalid_dpop_proof' } as const
const INVALID_TOKEN = { status: 401, error: 'invalid_token' } as const

const CLIENTS = [
  secretClient('batch', SECRET),
  secretClient('handles', SECRET, { accessTokenType: 'Reference' }),
  secretClient('bound', SECRET, { requireDPoP: true }),
]

const pair = await proofPair()
const other = await proofPair()

const running = sharedSidecar(test, async () => {
  const { client } = await pki()
  const thumbprint = sha256(client.certificate).toString('hex')
  return {
    settings: { routes: [{ path: '/orders/**' }, { path: '/admin/**', scopes: ['admin'] }] },
    clients: [
      ...CLIENTS,
      { clientId: 'certified', clientSecrets: [{ type: 'X509Thumbprint', value: thumbprint }] },
    ],
  }
})

function sha256(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

/** Asks for a token, with a proof that is good but for the options. */
async function ask(
  form: Readonly<Record<string, string>> = CREDENTIAL,
  options: Partial<ProofOptions> = {},
  key: ProofPair = pair,
  at: Running = running(),
) {
  const proof = await signProof(key, { url: `${ISSUER}${TOKEN}`, method: 'POST', ...options })
  return at.send(tokenRequest({ form, headers: { dpop: proof } }))
}

/** Calls the API with a token and a proof that is good but for the options. */
async function call(
  token: string,
  options: Partial<ProofOptions> = {},
  key: ProofPair = pair,
  at: Running = running(),
) {
  const proof = await signProof(key, { url: API, token, ...options })
  const headers = { authorization: `DPoP ${token}`, dpop: proof }
  return at.send({ path: '/orders/1?a=1', headers })
}

test('a proof binds the token to its key, and the token reaches the API with a proof of that key', async (t) => {
  const answer = await ask()
  const token = tokenOf(t, answer)
  t.is(answer.json()['token_type'], 'DPoP')
  t.is(answer.headers['dpop-nonce'], undefined)
  t.deepEqual(decodeJwt(token)['cnf'], { jkt: pair.jkt })
  const reached = await call(token)
  t.is(reached.status, 200)
  const [arrived] = running().arrivedOf(reached)
  t.is(arrived?.headers['x-client-id'], 'batch')
  t.is(arrived?.headers['x-client-auth-method'], 'dpop')
  t.is(arrived?.headers['dpop'], undefined)
  t.is(arrived?.headers.authorization, undefined)
})

test('without a proof a token is as it was', async (t) => {
  const answer = await running().send(tokenRequest({ form: CREDENTIAL }))
  t.is(answer.json()['token_type'], 'Bearer')
  t.is(decodeJwt(tokenOf(t, answer))['cnf'], undefined)
})

test('a reference token is bound alike, and introspection says so', async (t) => {
  const token = tokenOf(t, await ask({ ...CREDENTIAL, client_id: 'handles' }))
  t.is((await call(token)).status, 200)
  assertRefused(t, running(), await call(token, {}, other), {
    ...INVALID_TOKEN,
    reason: 'token-binding',
  })
  const asked = await running().send(aboutToken(INTROSPECTION, token, ['handles', SECRET]))
  t.like(asked.json(), { active: true, token_type: 'DPoP', cnf: { jkt: pair.jkt } })
})

test('a client that requires DPoP gets no token without a proof', async (t) => {
  const form = { ...CREDENTIAL, client_id: 'bound' }
  assertRefused(t, running(), await running().send(tokenRequest({ form })), {
    ...INVALID_PROOF,
    reason: 'dpop-missing',
  })
  tokenOf(t, await ask(form))
})

for (const [what, options, reason] of [
  ['for another endpoint', { url: `${ISSUER}/connect/introspect` }, 'dpop-htu'],
  ['for the address that it came to', { url: 'https://localhost/connect/token' }, 'dpop-htu'],
  ['for another method', { method: 'GET' }, 'dpop-htm'],
  ['of yesterday', { claims: { iat: Math.floor(Date.now() / 1000) - 86_400 } }, 'dpop-iat'],
  ['typed as JWT', { header: { typ: 'JWT' } }, 'dpop-typ'],
] as const) {
  test(`no token is given for a proof ${what}`, async (t) => {
    assertRefused(t, running(), await ask(CREDENTIAL, options), { ...INVALID_PROOF, reason })
  })
}

test('a wrong secret is no client, whatever proof comes with it, and leaves the proof unused', async (t) => {
  const claims = { jti: 'only-once' }
  const wrong = await ask({ ...CREDENTIAL, client_secret: 'wrong' }, { claims })
  t.is(wrong.json()['error'], 'invalid_client')
  tokenOf(t, await ask(CREDENTIAL, { claims }))
  assertRefused(t, running(), await ask(CREDENTIAL, { claims }), {
    ...INVALID_PROOF,
    reason: 'dpop-replayed',
  })
})

test('two DPoP headers are refused at the token endpoint and at the API', async (t) => {
  const token = tokenOf(t, await ask())
  const proofs = [
    await signProof(pair, { url: API, token }),
    await signProof(pair, { url: API, token }),
  ]
  const atToken = await running().send(
    tokenRequest({ form: CREDENTIAL, headers: { dpop: proofs } }),
  )
  assertRefused(t, running(), atToken, {
    status: 400,
    error: 'invalid_request',
    reason: 'repeated-header',
  })
  const headers = { authorization: `DPoP ${token}`, dpop: proofs }
  const atApi = await running().send({ path: '/orders/1', headers })
  t.is(atApi.status, 400)
  t.is(running().refusalOf(atApi)?.['reason'], 'header-repeated')
})

test('a bound token is refused as a bearer token, with its proof too', async (t) => {
  const token = tokenOf(t, await ask())
  for (const dpop of [undefined, await signProof(pair, { url: API, token })]) {
    const headers = { authorization: `Bearer ${token}`, ...(dpop !== undefined && { dpop }) }
    assertRefused(t, running(), await running().send({ path: '/orders/1', headers }), {
      ...INVALID_TOKEN,
      reason: 'token-binding',
    })
  }
})

test('a token that is bound to no key is refused in the DPoP scheme', async (t) => {
  const token = tokenOf(t, await running().send(tokenRequest({ form: CREDENTIAL })))
  const answer = await call(token)
  assertRefused(t, running(), answer, { ...INVALID_TOKEN, reason: 'token-binding' })
  t.regex(String(answer.headers['www-authenticate']), /^DPoP .*error="invalid_token".*algs="ES256 /)
})

for (const [what, options, reason] of [
  ['of another token', { token: 'another' }, 'dpop-ath'],
  ['of no token', { claims: { ath: undefined } }, 'dpop-ath'],
  ['for another path', { url: `${ISSUER}/orders/2` }, 'dpop-htu'],
  ['for another method', { method: 'POST' }, 'dpop-htm'],
] as const) {
  test(`the API is not reached with a proof ${what}`, async (t) => {
    const token = tokenOf(t, await ask())
    const answer = await call(token, options)
    assertRefused(t, running(), answer, { ...UNPROVEN, reason })
    t.regex(String(answer.headers['www-authenticate']), /^DPoP .*error="invalid_dpop_proof"/)
    t.deepEqual(running().arrivedOf(answer), [])
  })
}

test('the API is reached once with a proof, and not without one', async (t) => {
  const token = tokenOf(t, await ask())
  const claims = { jti: 'api-once' }
  t.is((await call(token, { claims })).status, 200)
  assertRefused(t, running(), await call(token, { claims }), {
    ...UNPROVEN,
    reason: 'dpop-replayed',
  })
  const headers = { authorization: `DPoP ${token}` }
  assertRefused(t, running(), await running().send({ path: '/orders/1', headers }), {
    ...UNPROVEN,
    reason: 'dpop-missing',
  })
  const none = await running().send({ path: '/orders/1', headers: { authorization: 'DPoP' } })
  assertRefused(t, running(), none, {
    status: 400,
    error: 'invalid_request',
    reason: 'dpop-token-malformed',
  })
})

test('a scope that lacks is said in the scheme that was spoken', async (t) => {
  const token = tokenOf(t, await ask())
  const proof = await signProof(pair, { url: `${ISSUER}/admin/1`, token })
  const headers = { authorization: `dpop ${token}`, dpop: proof }
  const answer = await running().send({ path: '/admin/1', headers })
  assertRefused(t, running(), answer, {
    status: 403,
    error: 'insufficient_scope',
    reason: 'scope-missing',
  })
  t.regex(String(answer.headers['www-authenticate']), /^DPoP /)
})

test('a token of a certificate and a key needs both', async (t) => {
  const { client, otherClient } = await pki()
  const { cert, key } = client
  const proof = await signProof(pair, { url: `${ISSUER}${TOKEN}`, method: 'POST' })
  const form = { client_id: 'certified' }
  const token = tokenOf(
    t,
    await running().send(tokenRequest({ form, headers: { dpop: proof }, cert, key })),
  )
  t.deepEqual(decodeJwt(token)['cnf'], {
    'x5t#S256': sha256(client.certificate).toString('base64url'),
    jkt: pair.jkt,
  })
  const request = async (by: ProofPair, scheme = 'DPoP') => ({
    path: '/orders/1',
    headers: {
      authorization: `${scheme} ${token}`,
      dpop: await signProof(by, { url: API, token }),
    },
  })
  t.is((await running().send({ ...(await request(pair)), cert, key })).status, 200)
  const bound = { ...INVALID_TOKEN, reason: 'token-binding' }
  for (const wrong of [
    await request(pair),
    { ...(await request(pair)), cert: otherClient.cert, key: otherClient.key },
    { ...(await request(other)), cert, key },
    { ...(await request(pair, 'Bearer')), cert, key },
  ]) {
    assertRefused(t, running(), await running().send(wrong), bound)
  }
})

test('discovery names the algorithms of proofs', async (t) => {
  const document = (await running().send({ path: '/.well-known/openid-configuration' })).json()
  const algorithms = document['dpop_signing_alg_values_supported'] as string[]
  t.true(algorithms.includes('ES256'))
  t.false(algorithms.some((name) => /^(HS|none)/.test(name)))
})

/** What oauth4webapi needs to know, and its options for every call. */
async function library(t: Parameters<typeof startSidecar>[0], at: Running) {
  const options = { [oauth.customFetch]: fetchFrom(t, at) }
  const issuer = new URL(ISSUER)
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, options),
  )
  const client: oauth.Client = { client_id: 'batch' }
  const handle = oauth.DPoP(client, await oauth.generateKeyPair('ES256'))
  const bound = { ...options, DPoP: handle }
  const token = async () => {
    const auth = oauth.ClientSecretPost(SECRET)
    const answer = await oauth.clientCredentialsGrantRequest(server, client, auth, {}, bound)
    return oauth.processClientCredentialsResponse(server, client, answer)
  }
  const api = (accessToken: string) =>
    oauth.protectedResourceRequest(accessToken, 'GET', new URL(API), undefined, undefined, bound)
  return { token, api }
}

test('oauth4webapi gets a bound token and calls the API with it', async (t) => {
  const { token, api } = await library(t, running())
  const { access_token: accessToken, token_type: type } = await token()
  t.is(type, 'dpop')
  t.is((await api(accessToken)).status, 200)
  t.is((await api(accessToken)).status, 200)
})

test('oauth4webapi finds the nonce that it needs at the token endpoint, and with it the API', async (t) => {
  const settings = { dpop: { nonce: 'required' } }
  const at = await startSidecar(t, { settings, clients: CLIENTS })
  const { token, api } = await library(t, at)
  const needsNonce = (error: unknown) => t.true(oauth.isDPoPNonceError(error), String(error))
  await token().then(() => t.fail('a token without a nonce'), needsNonce)
  const { access_token: accessToken } = await token()
  t.is((await api(accessToken)).status, 200)
  t.deepEqual(
    at.refusals().map(({ status, error, reason }) => [status, error, reason]),
    [[400, 'use_dpop_nonce', 'dpop-nonce']],
  )
})

test('the API asks for a nonce in its challenge, and is reached with it', async (t) => {
  const settings = { dpop: { nonce: 'required' } }
  const at = await startSidecar(t, { settings, clients: CLIENTS })
  const first = await ask(CREDENTIAL, {}, pair, at)
  assertRefused(t, at, first, { status: 400, error: 'use_dpop_nonce', reason: 'dpop-nonce' })
  const claims = { nonce: first.headers['dpop-nonce'] }
  const answer = await ask(CREDENTIAL, { claims }, pair, at)
  const token = tokenOf(t, answer)
  t.truthy(answer.headers['dpop-nonce'])

  const unfresh = await call(token, {}, pair, at)
  assertRefused(t, at, unfresh, { status: 401, error: 'use_dpop_nonce', reason: 'dpop-nonce' })
  t.regex(String(unfresh.headers['www-authenticate']), /^DPoP .*error="use_dpop_nonce"/)
  const fresh = { nonce: unfresh.headers['dpop-nonce'] }
  t.is((await call(token, { claims: fresh }, pair, at)).status, 200)
  const forged = { nonce: `${String(fresh.nonce).slice(0, -2)}AA` }
  assertRefused(t, at, await call(token, { claims: forged }, pair, at), {
    status: 401,
    error: 'use_dpop_nonce',
    reason: 'dpop-nonce',
  })
})

test('a proof that counted at one replica does not count at another, and their nonces are the same', async (t) => {
  const settings = { ...onStore('dpop').settings, dpop: { nonce: 'required' } }
  const options = onStore('dpop', { clients: CLIENTS, settings })
  const [one, two] = [await startSidecar(t, options), await startSidecar(t, options)]
  const first = await ask(CREDENTIAL, {}, pair, one)
  const claims = { nonce: first.headers['dpop-nonce'], jti: 'once for all' }
  tokenOf(t, await ask(CREDENTIAL, { claims }, pair, one))
  assertRefused(t, two, await ask(CREDENTIAL, { claims }, pair, two), {
    ...INVALID_PROOF,
    reason: 'dpop-replayed',
  })
  tokenOf(t, await ask(CREDENTIAL, { claims: { ...claims, jti: 'another' } }, pair, two))
})

test('while the state store is away no proof counts, and plain tokens go on', async (t) => {
  const at = await startSidecar(t, onStore('dpop away', { clients: CLIENTS }))
  const token = tokenOf(t, await ask(CREDENTIAL, {}, pair, at))
  const plain = tokenOf(t, await at.send(tokenRequest({ form: CREDENTIAL })))
  const headers = { authorization: `Bearer ${plain}` }
  t.is((await call(token, {}, pair, at)).status, 200)
  t.is((await at.send({ path: '/orders/1', headers })).status, 200)
  for (const trouble of ['fails add', 'hangs'] as const) {
    ail(at.folder, trouble)
    const away = { status: 503, error: 'temporarily_unavailable', reason: 'state-unavailable' }
    assertRefused(t, at, await ask(CREDENTIAL, {}, pair, at), away)
    assertRefused(t, at, await call(token, {}, pair, at), away)
    t.is((await at.send({ path: '/orders/1', headers })).status, 200)
  }
  ail(at.folder, undefined)
  t.is((await call(token, {}, pair, at)).status, 200)
})

test('a plain token needs no nonce', async (t) => {
  const settings = { dpop: { nonce: 'required' } }
  const at = await startSidecar(t, { settings, clients: CLIENTS })
  const answer = await at.send(tokenRequest({ form: CREDENTIAL }))
  const headers = { authorization: `Bearer ${tokenOf(t, answer)}` }
  t.is((await at.send({ path: '/orders/1', headers })).status, 200)
  t.is(answer.headers['dpop-nonce'], undefined)
})

test('the origins that clients call us by can be more than the issuer', async (t) => {
  const settings = { dpop: { origins: ['https://api.example:8443'] } }
  const at = await startSidecar(t, { settings, clients: CLIENTS })
  const token = tokenOf(t, await ask(CREDENTIAL, {}, pair, at))
  const url = 'https://api.example:8443/orders/1'
  t.is((await call(token, { url }, pair, at)).status, 200)
})

test('behind another proxy a proof is of the request that the proxy asks about', async (t) => {
  const settings = { verify: { proxies: ['127.0.0.1'], dialect: 'x-original' } }
  const at = await startSidecar(t, { settings, clients: CLIENTS })
  const token = tokenOf(t, await ask(CREDENTIAL, {}, pair, at))
  const verify = async (url: string) =>
    at.send({
      path: '/connect/verify',
      headers: {
        'x-original-method': 'DELETE',
        'x-original-uri': '/orders/1',
        authorization: `DPoP ${token}`,
        dpop: await signProof(pair, { url, method: 'DELETE', token }),
      },
    })
  const answer = await verify(API)
  t.is(answer.status, 200, answer.text)
  t.is(answer.headers['x-client-id'], 'batch')
  assertRefused(t, at, await verify(`${ISSUER}/connect/verify`), {
    ...UNPROVEN,
    reason: 'dpop-htu',
  })
})
