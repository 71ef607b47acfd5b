import test from 'ava'
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import type { JSONWebKeySet } from 'jose'

import { secretClient } from '../support/clients.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { tokenOf, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'
const RESERVED = 'iss nbf iat exp aud cnf scope client_id sub jti'.split(' ')

const running = sharedSidecar(test, {
  clients: [
    secretClient('batch', SECRET, {
      accessTokenLifetime: 120,
      claims: [
        { type: 'tenant', value: 'acme' },
        { type: 'role', value: 'reader' },
        { type: 'role', value: 'writer' },
        { type: 'id', value: 'somebody else' },
      ],
    }),
    secretClient('bare', SECRET, {
      clientClaimsPrefix: '',
      claims: [
        { type: 'tenant', value: 'acme' },
        ...RESERVED.map((type) => ({ type, value: 'forged' })),
        { type: '__proto__', value: 'forged' },
      ],
    }),
    secretClient('own prefix', SECRET, {
      clientClaimsPrefix: 'x_',
      claims: [{ type: 'tenant', value: 'acme' }],
    }),
  ],
})

async function ask(sidecar: Running, clientId: string) {
  const form = { client_id: clientId, client_secret: SECRET, scope: 'read' }
  return sidecar.send(tokenRequest({ form }))
}

test('a token says who, for how long and for what, and nothing else', async (t) => {
  const answer = await ask(running(), 'batch')
  const token = tokenOf(t, answer)
  const { kid, ...header } = decodeProtectedHeader(token)
  t.deepEqual(header, { alg: 'ES256', typ: 'at+jwt' })
  t.is(kid, running().sidecar.snapshot.keyRing.current.kid)
  const { iat = 0, jti, ...claims } = decodeJwt(token)
  t.true(Math.abs(iat - Date.now() / 1000) < 60)
  t.regex(String(jti), /^[0-9A-F]{32}$/)
  t.deepEqual(claims, {
    iss: 'https://sidecar.test',
    exp: iat + 120,
    aud: 'https://sidecar.test',
    scope: 'read',
    client_id: 'batch',
    sub: 'batch',
    client_tenant: 'acme',
    client_role: ['reader', 'writer'],
  })
  t.is(answer.json()['expires_in'], 120)
})

test('no two tokens have the same jti', async (t) => {
  const tokens = [await ask(running(), 'batch'), await ask(running(), 'batch')]
  t.is(new Set(tokens.map((answer) => decodeJwt(tokenOf(t, answer)).jti)).size, 2)
})

test('claims of a client cannot forge those of the protocol', async (t) => {
  const claims = decodeJwt(tokenOf(t, await ask(running(), 'bare')))
  t.is(claims['tenant'], 'acme')
  for (const name of RESERVED) t.not(claims[name] as string, 'forged', name)
  t.is(claims['client_id'], 'bare')
  t.false('cnf' in claims)
  t.false('nbf' in claims)
})

test('claims of a client may have a prefix of its own', async (t) => {
  t.is(decodeJwt(tokenOf(t, await ask(running(), 'own prefix')))['x_tenant'], 'acme')
})

for (const [algorithm, kty] of [
  ['ES256', 'EC'],
  ['RS256', 'RSA'],
  ['PS256', 'RSA'],
] as const) {
  test(`tokens are signed by ${algorithm} where the settings say so, and the JWKS verifies them`, async (t) => {
    const signing = await startSidecar(t, {
      settings: { tokens: { algorithm } },
      clients: [secretClient('batch', SECRET)],
    })
    const token = tokenOf(t, await ask(signing, 'batch'))
    const jwks = await signing.send({ path: '/.well-known/openid-configuration/jwks' })
    t.regex(String(jwks.headers['content-type']), /^application\/json/)
    const set = jwks.json<JSONWebKeySet>()
    t.is(set.keys.length, 1)
    t.like(set.keys[0], { kty, alg: algorithm, use: 'sig' })
    for (const member of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'])
      t.false(member in (set.keys[0] ?? {}))
    const { protectedHeader } = await jwtVerify(token, createLocalJWKSet(set), {
      issuer: signing.issuer,
      audience: signing.issuer,
      typ: 'at+jwt',
      algorithms: [algorithm],
    })
    t.is(protectedHeader.kid, set.keys[0]?.kid)
    const answer = await signing.send({ path: '/', headers: { authorization: `Bearer ${token}` } })
    t.is(answer.status, 200)
  })
}
