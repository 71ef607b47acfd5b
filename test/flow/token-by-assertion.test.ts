import test from 'ava'
import { decodeJwt } from 'jose'

import { pki } from '../support/pki.ts'
import type { Identity } from '../support/pki.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import type { AssertionOptions } from '../support/sign-assertion.ts'
import { ISSUER } from '../support/start-sidecar.ts'
import {
  assertRefused,
  INVALID_CLIENT,
  TOKEN,
  tokenOf,
  tokenRequest,
} from '../support/token-request.ts'

const now = () => Math.floor(Date.now() / 1000)
/** As IdentityServer's samples have one: an RSA certificate that expired long ago. */
let expiredHolder: Identity
let rsa: Identity

const running = sharedSidecar(test, async () => {
  const { client, otherClient, leaf, rsaClient } = await pki()
  rsa = await rsaClient()
  expiredHolder = await leaf({
    keyAlgorithm: 'RS256',
    notBefore: new Date('2019-01-01'),
    notAfter: new Date('2020-01-01'),
  })
  const base64 = ({ certificate }: Identity) => certificate.toString('base64')
  return {
    clients: [
      keyClient('signer', { type: 'JWK', value: jwk(client, { kid: 'first' }) }),
      keyClient('other', { type: 'JWK', value: jwk(otherClient) }),
      keyClient('twin', { type: 'JWK', value: jwk(client) }),
      keyClient('holder', { type: 'X509CertificateBase64', value: base64(rsa) }),
      keyClient('expired', { type: 'X509CertificateBase64', value: base64(expiredHolder) }),
      keyClient('merely', {
        type: 'X509CertificateBase64',
        value: base64(expiredHolder),
        validity: 'ignore',
      }),
      keyClient('PS256 only', { type: 'JWK', value: jwk(rsa), algorithms: ['PS256'] }),
    ],
  }
})

function keyClient(clientId: string, secret: Readonly<Record<string, unknown>>) {
  const described = { description: `key of ${clientId}`, ...secret }
  return { clientId, clientSecrets: [described], allowedScopes: ['read'] }
}

function jwk({ publicKeyJwk }: Identity, more: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({ ...publicKeyJwk, ...more })
}

async function ask(
  clientId: string,
  identity: Identity,
  options: AssertionOptions = {},
  fields: Readonly<Record<string, string>> = {},
) {
  const form = await signAssertion(clientId, identity.privateKeyJwk, options)
  return running().send(tokenRequest({ form: { ...form, ...fields } }))
}

test('a client is known by an assertion that a registered JWK verifies', async (t) => {
  const token = tokenOf(t, await ask('signer', (await pki()).client))
  t.is(decodeJwt(token)['client_id'], 'signer')
  t.is(decodeJwt(token)['cnf'], undefined)
})

for (const [what, options, fields] of [
  ['names the key', { header: { kid: 'first' } }, {}],
  ['is typed as JWT', { header: { typ: 'JWT' } }, {}],
  ['is typed as an assertion', { header: { typ: 'client-authentication+jwt' } }, {}],
  ['is for the issuer in an array', { claims: { aud: [ISSUER] } }, {}],
  ['is for the issuer with a slash', { claims: { aud: `${ISSUER}/` } }, {}],
  ['is of a clock 30 s ahead', { claims: { iat: now() + 30, nbf: now() + 30 } }, {}],
  ['has no iat', { claims: { iat: undefined } }, {}],
  ['expired less than the skew ago', { claims: { exp: now() - 30 } }, {}],
  ['comes with its client id', {}, { client_id: 'signer' }],
] as const) {
  test(`an assertion counts that ${what}`, async (t) => {
    tokenOf(t, await ask('signer', (await pki()).client, options, fields))
  })
}

for (const alg of ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512']) {
  test(`a certificate holds the key for an assertion signed by ${alg}`, async (t) => {
    tokenOf(t, await ask('holder', rsa, { header: { alg } }))
  })
}

test('a certificate that expired holds a key only where its secret says that it merely does', async (t) => {
  const header = { alg: 'RS256' }
  tokenOf(t, await ask('merely', expiredHolder, { header }))
  assertRefused(t, running(), await ask('expired', expiredHolder, { header }), {
    ...INVALID_CLIENT,
    reason: 'cert-expired',
    line: { considered: [{ secret: 'key of expired', type: 'X509CertificateBase64' }] },
  })
})

const YEARS = 10 * 31_536_000

for (const [what, options, reason] of [
  ['for another server', { claims: { aud: 'https://elsewhere.test' } }, 'jwt-aud'],
  ['for the token endpoint', { claims: { aud: `${ISSUER}${TOKEN}` } }, 'jwt-aud'],
  ['for the issuer and another', { claims: { aud: [ISSUER, 'https://b.test'] } }, 'jwt-aud'],
  ['for an empty audience', { claims: { aud: '' } }, 'jwt-aud'],
  ['for an audience that is no text', { claims: { aud: [ISSUER, 1] } }, 'jwt-aud'],
  ['without an audience', { claims: { aud: undefined } }, 'jwt-aud'],
  ['without an issuer', { claims: { iss: undefined } }, 'jwt-iss'],
  ['of another issuer', { claims: { iss: 'other' } }, 'jwt-iss'],
  ['without an expiry', { claims: { exp: undefined } }, 'jwt-exp'],
  ['with an expiry that is a text', { claims: { exp: String(now() + 60) } }, 'jwt-exp'],
  ['that expired before the skew', { claims: { exp: now() - 61 } }, 'jwt-expired'],
  ['that lives ten years', { claims: { exp: now() + YEARS } }, 'assertion-lifetime'],
  ['made in the future', { claims: { iat: now() + 70 } }, 'jwt-not-yet-valid'],
  ['valid in the future', { claims: { nbf: now() + 70 } }, 'jwt-not-yet-valid'],
  ['with an iat that is a text', { claims: { iat: 'now' } }, 'jwt-iat'],
  ['without a jti', { claims: { jti: undefined } }, 'jwt-jti'],
  ['with an empty jti', { claims: { jti: '' } }, 'jwt-jti'],
  ['with a jti that is a number', { claims: { jti: 7 } }, 'jwt-jti'],
  ['with a huge jti', { claims: { jti: 'x'.repeat(257) } }, 'jwt-jti'],
  ['that is an access token by its type', { header: { typ: 'at+jwt' } }, 'jwt-typ'],
  ['that names another key', { header: { kid: 'second' } }, 'jwt-kid-unknown'],
] as const) {
  test(`an assertion ${what} is refused`, async (t) => {
    const answer = await ask('signer', (await pki()).client, options)
    assertRefused(t, running(), answer, {
      ...INVALID_CLIENT,
      reason,
      line: { claimedClient: 'signer', parser: 'parsers/private-key-jwt' },
    })
  })
}

test('an assertion without a subject names nobody', async (t) => {
  const answer = await ask('signer', (await pki()).client, { claims: { sub: undefined } })
  assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'client-not-named' })
})

test('an assertion of another client’s key is refused', async (t) => {
  assertRefused(t, running(), await ask('other', (await pki()).client), {
    ...INVALID_CLIENT,
    reason: 'jwt-signature',
    line: { considered: [{ secret: 'key of other', type: 'JWK', reason: 'jwt-signature' }] },
  })
})

test('an algorithm that the secret does not allow is refused', async (t) => {
  tokenOf(t, await ask('PS256 only', rsa, { header: { alg: 'PS256' } }))
  assertRefused(t, running(), await ask('PS256 only', rsa, { header: { alg: 'RS256' } }), {
    ...INVALID_CLIENT,
    reason: 'jwt-alg-not-allowed',
    line: { got: 'RS256', want: 'PS256' },
  })
})

test('a key that the assertion carries or points to is not used', async (t) => {
  const { client, otherClient } = await pki()
  for (const header of [
    { jwk: client.publicKeyJwk },
    { jku: 'https://attacker.test/jwks' },
    { x5u: 'https://attacker.test/x5u' },
    { x5c: [client.certificate.toString('base64')] },
  ]) {
    const answer = await ask('other', client, { header })
    assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'jwt-signature' })
    t.regex(String(running().refusalOf(answer)?.['hint']), /header/)
  }
  tokenOf(t, await ask('other', otherClient))
})

test('of 50 uses of one assertion at the same time exactly one succeeds', async (t) => {
  const form = await signAssertion('signer', (await pki()).client.privateKeyJwk)
  const request = tokenRequest({ form })
  const answers = await Promise.all(Array.from({ length: 50 }, () => running().send(request)))
  const [won, ...others] = answers.toSorted((a, b) => a.status - b.status)
  t.is(won?.status, 200)
  for (const answer of others) {
    assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'jwt-jti-replayed' })
  }
})

test('what one client has used up does not burn another’s', async (t) => {
  const { client } = await pki()
  const options = { claims: { jti: 'the same' } }
  tokenOf(t, await ask('signer', client, options))
  tokenOf(t, await ask('twin', client, options))
  assertRefused(t, running(), await ask('twin', client, options), {
    ...INVALID_CLIENT,
    reason: 'jwt-jti-replayed',
  })
})

test('an assertion that is refused uses up nothing', async (t) => {
  const { client, otherClient } = await pki()
  const claims = { jti: 'not yet used' }
  await ask('signer', otherClient, { claims })
  await ask('signer', client, { claims: { ...claims, aud: 'https://elsewhere.test' } })
  tokenOf(t, await ask('signer', client, { claims }))
})

test('an assertion of a client that nobody registered is refused', async (t) => {
  const answer = await ask('nobody', (await pki()).client)
  assertRefused(t, running(), answer, {
    ...INVALID_CLIENT,
    reason: 'client-unknown',
    line: { claimedClient: 'nobody' },
  })
})
