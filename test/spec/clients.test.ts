import test from 'ava'
import type { ExecutionContext } from 'ava'
import { importJWK } from 'jose'
import type { CryptoKey } from 'jose'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'

import { fetchFrom } from '../support/fetch-from.ts'
import { pki } from '../support/pki.ts'
import type { Identity } from '../support/pki.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { ISSUER } from '../support/start-sidecar.ts'
import { registeredClients, SECRET } from './registered-clients.ts'

const running = sharedSidecar(test, registeredClients)

interface Way {
  readonly clientId: string
  readonly identity?: Identity
}

/** Each way in, for whatever library: who, and with which certificate. */
async function way(method: string): Promise<Way> {
  const { client, selfSignedClient } = await pki()
  const ways: Readonly<Record<string, Way>> = {
    client_secret_basic: { clientId: 'secret' },
    client_secret_post: { clientId: 'secret' },
    private_key_jwt: { clientId: 'signer' },
    tls_client_auth: { clientId: 'named', identity: client },
    self_signed_tls_client_auth: { clientId: 'laptop', identity: selfSignedClient },
  }
  return ways[method] ?? { clientId: '' }
}

async function signingKey(): Promise<CryptoKey> {
  const { client } = await pki()
  return (await importJWK(client.privateKeyJwk as Record<string, string>, 'ES256')) as CryptoKey
}

function assertCalled(t: ExecutionContext, status: number, text: string, clientId: string): void {
  t.is(status, 200, text)
  t.is(text, 'upstream says hello')
  t.true(running().upstream.arrived.some(({ headers }) => headers['x-client-id'] === clientId))
}

const OPENID_METHODS: Readonly<Record<string, () => Promise<openid.ClientAuth>>> = {
  client_secret_basic: async () => openid.ClientSecretBasic(SECRET),
  client_secret_post: async () => openid.ClientSecretPost(SECRET),
  private_key_jwt: async () => openid.PrivateKeyJwt(await signingKey()),
  tls_client_auth: async () => openid.TlsClientAuth(),
  self_signed_tls_client_auth: async () => openid.TlsClientAuth(),
}

for (const [method, authentication] of Object.entries(OPENID_METHODS)) {
  for (const algorithm of ['oidc', 'oauth2'] as const) {
    test(`openid-client discovers by ${algorithm}, gets a token by ${method} and calls the API`, async (t) => {
      const { clientId, identity } = await way(method)
      const configuration = await openid.discovery(
        new URL(ISSUER),
        clientId,
        { use_mtls_endpoint_aliases: identity !== undefined },
        await authentication(),
        { algorithm, [openid.customFetch]: fetchFrom(t, running(), identity) },
      )
      const methods = configuration.serverMetadata().token_endpoint_auth_methods_supported
      t.true(methods?.includes(method))
      const answer = await openid.clientCredentialsGrant(configuration, { scope: 'read' })
      t.is(answer.scope, 'read')
      t.is(answer.expires_in, 3600)
      const api = await openid.fetchProtectedResource(
        configuration,
        answer.access_token,
        new URL(`${ISSUER}/orders`),
        'GET',
      )
      assertCalled(t, api.status, await api.text(), clientId)
    })
  }
}

test('openid-client is told in its own terms that a secret is wrong', async (t) => {
  const configuration = await openid.discovery(
    new URL(ISSUER),
    'secret',
    undefined,
    openid.ClientSecretBasic('wrong'),
    { [openid.customFetch]: fetchFrom(t, running()) },
  )
  const error = await t.throwsAsync(openid.clientCredentialsGrant(configuration), {
    instanceOf: openid.WWWAuthenticateChallengeError,
  })
  t.is(error.status, 401)
  t.deepEqual(
    error.cause.map(({ scheme }) => scheme),
    ['basic'],
  )
})

const OAUTH_METHODS: Readonly<Record<string, () => Promise<oauth.ClientAuth>>> = {
  client_secret_basic: async () => oauth.ClientSecretBasic(SECRET),
  client_secret_post: async () => oauth.ClientSecretPost(SECRET),
  private_key_jwt: async () => oauth.PrivateKeyJwt(await signingKey()),
  tls_client_auth: async () => oauth.TlsClientAuth(),
  self_signed_tls_client_auth: async () => oauth.TlsClientAuth(),
}

async function discovered(options: { [oauth.customFetch]: ReturnType<typeof fetchFrom> }) {
  const issuer = new URL(ISSUER)
  const response = await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' })
  return oauth.processDiscoveryResponse(issuer, response)
}

for (const [method, authentication] of Object.entries(OAUTH_METHODS)) {
  test(`oauth4webapi gets a token by ${method}, calls the API and can verify the token`, async (t) => {
    const { clientId, identity } = await way(method)
    const options = { [oauth.customFetch]: fetchFrom(t, running(), identity) }
    const server = await discovered(options)
    const client: oauth.Client = {
      client_id: clientId,
      use_mtls_endpoint_aliases: identity !== undefined,
    }
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      await authentication(),
      { scope: 'read write' },
      options,
    )
    const answer = await oauth.processClientCredentialsResponse(server, client, response)
    t.is(answer.token_type, 'bearer')
    const token = answer.access_token
    const url = new URL(`${ISSUER}/orders`)
    const api = await oauth.protectedResourceRequest(token, 'GET', url, undefined, null, options)
    assertCalled(t, api.status, await api.text(), clientId)

    // As an API would that does not stand behind us (RFC 9068 §4); the library knows no bound tokens.
    if (identity !== undefined) return
    const request = new Request(url, { headers: { authorization: `Bearer ${token}` } })
    const audience = 'https://api.test'
    const claims = await oauth.validateJwtAccessToken(server, request, audience, options)
    t.is(claims.client_id, clientId)
  })
}

test('oauth4webapi is told in its own terms what the API demands', async (t) => {
  const options = { [oauth.customFetch]: fetchFrom(t, running()) }
  const url = new URL(`${ISSUER}/orders`)
  const error = await t.throwsAsync(
    oauth.protectedResourceRequest('not.a.token', 'GET', url, undefined, null, options),
    { instanceOf: oauth.WWWAuthenticateChallengeError },
  )
  t.deepEqual(
    error.cause.map(({ scheme, parameters }) => [scheme, parameters.error, parameters.realm]),
    [
      ['bearer', 'invalid_token', 'vouchgate'],
      ['basic', undefined, 'vouchgate'],
    ],
  )
})
