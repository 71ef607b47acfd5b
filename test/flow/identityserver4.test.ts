import test from 'ava'
import { decodeJwt, decodeProtectedHeader } from 'jose'

import { sha256 } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import type { Identity } from '../support/pki.ts'
import { basic } from '../support/send.ts'
import type { Received } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import type { AssertionOptions } from '../support/sign-assertion.ts'
import { ISSUER } from '../support/start-sidecar.ts'
import { assertRefused, GRANT, TOKEN, tokenOf, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'
const NO_CACHE = 'no-store, no-cache, max-age=0'
let holder: Identity

const running = sharedSidecar(test, async () => {
  const { client, leaf } = await pki()
  holder = await leaf({
    keyAlgorithm: 'RS256',
    notBefore: new Date('2019-01-01'),
    notAfter: new Date('2020-01-01'),
  })
  // A section as it stands in an appsettings.json.
  const section = {
    IdentityServer: {
      Clients: [
        {
          ClientId: 'batch',
          ClientName: 'Nightly batch',
          ClientSecrets: [{ Value: sha256(SECRET), Description: 'shared', Expiration: null }],
          AllowedGrantTypes: ['client_credentials'],
          AllowedScopes: ['read', 'write'],
          Claims: [{ Type: 'tenant', Value: 'acme' }],
          RequireConsent: false,
          RedirectUris: [],
        },
        {
          ClientId: 'certclient',
          ClientSecrets: [
            {
              Type: 'X509CertificateThumbprint',
              Value: client.x509.fingerprint.replaceAll(':', ''),
            },
          ],
          AllowedScopes: ['read'],
        },
        {
          ClientId: 'jwtclient',
          ClientSecrets: [
            { Type: 'X509CertificateBase64', Value: holder.certificate.toString('base64') },
            { Type: 'JWK', Value: JSON.stringify(client.publicKeyJwk).replaceAll('"', "'") },
          ],
          AllowedScopes: ['read'],
        },
        { ClientId: 'no scopes', ClientSecrets: [{ Value: sha256(SECRET) }] },
        {
          ClientId: 'no grant',
          ClientSecrets: [{ Value: sha256(SECRET) }],
          AllowedGrantTypes: ['implicit'],
        },
      ],
    },
  }
  return {
    settings: { compatibility: 'identityserver4', clients: 'appsettings.json' },
    files: { 'appsettings.json': JSON.stringify(section, null, 2) },
    resources: [
      { name: 'orders', scopes: ['read'] },
      { name: 'archive', scopes: ['write'] },
    ],
  }
})

function ask(form: Readonly<Record<string, string>>, secret = SECRET) {
  return running().send(
    tokenRequest({ form: { client_id: 'batch', client_secret: secret, ...form } }),
  )
}

test('a section of IdentityServer’s configuration is read as it stands', (t) => {
  const faults = running().log.filter(({ event }) => /^config\.(error|disabled)$/.test(event))
  t.deepEqual(faults, [])
})

test('a token is what IdentityServer makes: no sub, scope as array, nbf', async (t) => {
  const answer = await ask({ scope: 'read' })
  t.is(answer.headers['content-type'], 'application/json; charset=UTF-8')
  t.is(answer.headers['cache-control'], NO_CACHE)
  t.is(answer.headers['pragma'], 'no-cache')
  const { access_token: _, ...rest } = answer.json()
  t.deepEqual(rest as unknown, { expires_in: 3600, token_type: 'Bearer', scope: 'read' })
  const token = tokenOf(t, answer)
  t.like(decodeProtectedHeader(token), { typ: 'at+jwt', alg: 'RS256' })
  const { iat, exp, nbf, jti, ...claims } = decodeJwt(token)
  t.is(nbf, iat)
  t.is(exp, (iat ?? 0) + 3600)
  t.regex(String(jti), /^[0-9A-F]{32}$/)
  t.deepEqual(claims, {
    iss: ISSUER,
    aud: 'orders',
    scope: ['read'],
    client_id: 'batch',
    client_tenant: 'acme',
  })
})

test('of several resources the audience is an array', async (t) => {
  t.deepEqual(decodeJwt(tokenOf(t, await ask({}))).aud, ['orders', 'archive'])
})

test('the API takes such a token', async (t) => {
  const token = tokenOf(t, await ask({}))
  const headers = { authorization: `Bearer ${token}` }
  const answer = await running().send({ path: '/orders', headers })
  t.is(answer.status, 200)
  t.is(running().arrivedOf(answer)[0]?.headers['x-client-scopes'], 'read write')
})

function assertBare(t: Parameters<typeof assertRefused>[0], answer: Received, error: string): void {
  t.is(answer.status, 400)
  t.is(answer.text, JSON.stringify({ error }))
  t.is(answer.headers['www-authenticate'], undefined)
  t.is(answer.headers['cache-control'], NO_CACHE)
}

for (const [what, request, error] of [
  ['a wrong secret', () => ask({}, 'wrong'), 'invalid_client'],
  ['an unknown client', () => ask({ client_id: 'nobody' }), 'invalid_client'],
  [
    'a wrong secret in a Basic header',
    () => running().send(tokenRequest({ headers: { authorization: basic('batch', 'wrong') } })),
    'invalid_client',
  ],
  ['no client at all', () => running().send(tokenRequest()), 'invalid_client'],
  ['a GET', () => running().send({ path: TOKEN }), 'invalid_request'],
  [
    'a body that is no form',
    () =>
      running().send({ path: TOKEN, body: '{}', headers: { 'content-type': 'application/json' } }),
    'invalid_request',
  ],
  ['no grant type', () => ask({ grant_type: '' }), 'unsupported_grant_type'],
  ['an unknown grant type', () => ask({ grant_type: 'x' }), 'unsupported_grant_type'],
  ['a long grant type', () => ask({ grant_type: 'x'.repeat(101) }), 'unsupported_grant_type'],
  ['a grant type it may not use', () => ask({ client_id: 'no grant' }), 'unauthorized_client'],
  ['a scope it may not have', () => ask({ scope: 'read delete' }), 'invalid_scope'],
  ['an identity scope', () => ask({ scope: 'openid' }), 'invalid_scope'],
  ['a refresh token in mind', () => ask({ scope: 'read offline_access' }), 'invalid_scope'],
  ['a scope over the limit', () => ask({ scope: 'x'.repeat(301) }), 'invalid_scope'],
  ['no scope that it could have', () => ask({ client_id: 'no scopes' }), 'invalid_scope'],
] as const) {
  test(`a request with ${what} is told ${error} with status 400 and nothing more`, async (t) => {
    assertBare(t, await request(), error)
  })
}

test('a client is known by the SHA-1 thumbprint of its certificate, without a warning', async (t) => {
  const { cert, key } = (await pki()).client
  const form = { client_id: 'certclient' }
  const claims = decodeJwt(tokenOf(t, await running().send(tokenRequest({ form, cert, key }))))
  t.deepEqual(Object.keys(claims['cnf'] as object), ['x5t#S256'])
  t.false(JSON.stringify(running().log).includes('SHA-1'))
})

const now = Math.floor(Date.now() / 1000)

for (const [what, options] of [
  ['for the token endpoint', { claims: { aud: `${ISSUER}${TOKEN}` } }],
  ['for the issuer', { claims: { aud: ISSUER } }],
  ['for the token endpoint and another', { claims: { aud: [`${ISSUER}${TOKEN}`, 'x'] } }],
  ['that expired four minutes ago', { claims: { iat: now - 300, exp: now - 240 } }],
  ['of a clock four minutes ahead', { claims: { nbf: now + 240, iat: now + 240, exp: now + 300 } }],
] as const satisfies readonly (readonly [string, AssertionOptions])[]) {
  test(`an assertion ${what} counts`, async (t) => {
    const form = await signAssertion('jwtclient', (await pki()).client.privateKeyJwk, options)
    tokenOf(t, await running().send(tokenRequest({ form })))
  })
}

test('a certificate that expired in 2020 holds the key of an assertion', async (t) => {
  const header = { alg: 'RS256' }
  const form = await signAssertion('jwtclient', holder.privateKeyJwk, { header })
  tokenOf(t, await running().send(tokenRequest({ form })))
})

for (const [what, options, reason] of [
  ['for another server', { claims: { aud: 'https://elsewhere.test' } }, 'jwt-aud'],
  [
    'for the token endpoint, typed for the issuer alone',
    {
      claims: { aud: `${ISSUER}${TOKEN}` },
      header: { typ: 'client-authentication+jwt' },
    },
    'jwt-aud',
  ],
  ['without an expiry', { claims: { exp: undefined } }, 'jwt-exp'],
  ['that expired six minutes ago', { claims: { exp: now - 360 } }, 'jwt-expired'],
  ['without a jti', { claims: { jti: undefined } }, 'jwt-jti'],
] as const) {
  test(`an assertion ${what} is refused`, async (t) => {
    const form = await signAssertion('jwtclient', (await pki()).client.privateKeyJwk, options)
    const answer = await running().send(tokenRequest({ form }))
    assertBare(t, answer, 'invalid_client')
    t.is(running().refusalOf(answer)?.['reason'], reason)
  })
}

test('an assertion counts once', async (t) => {
  const form = await signAssertion('jwtclient', (await pki()).client.privateKeyJwk)
  tokenOf(t, await running().send(tokenRequest({ form })))
  const again = await running().send(tokenRequest({ form }))
  assertBare(t, again, 'invalid_client')
  t.is(running().refusalOf(again)?.['reason'], 'jwt-jti-replayed')
})

test('two credentials are refused here too, where IdentityServer takes the first', async (t) => {
  const answer = await running().send(
    tokenRequest({
      form: { ...GRANT, client_id: 'batch', client_secret: SECRET },
      headers: { authorization: basic('batch', SECRET) },
    }),
  )
  assertBare(t, answer, 'invalid_request')
  t.is(running().refusalOf(answer)?.['reason'], 'several-credentials')
})
