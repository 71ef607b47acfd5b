import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import { tokenOf, tokenRequest } from '../support/token-request.ts'

const OPENID = '/.well-known/openid-configuration'
const RFC8414 = '/.well-known/oauth-authorization-server'
const SECRET = 'a generated secret'

const running = sharedSidecar(test, {
  clients: [
    secretClient('batch', SECRET, { allowedScopes: ['write', 'read'] }),
    secretClient('other', SECRET, { allowedScopes: ['read', 'audit'] }),
  ],
})

const METHODS = [
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
]

test('both discovery documents are one, and true', async (t) => {
  const answer = await running().send({ path: OPENID })
  t.is(answer.status, 200)
  t.regex(String(answer.headers['content-type']), /^application\/json/)
  const document = answer.json()
  const algorithms = document['token_endpoint_auth_signing_alg_values_supported'] as string[]
  t.true(algorithms.includes('ES256'))
  t.false(algorithms.some((name) => /^(HS|none)/.test(name)))
  t.like(document, {
    issuer: 'https://sidecar.test',
    token_endpoint: 'https://sidecar.test/connect/token',
    jwks_uri: 'https://sidecar.test/.well-known/openid-configuration/jwks',
    grant_types_supported: ['client_credentials'],
    tls_client_certificate_bound_access_tokens: true,
    mtls_endpoint_aliases: { token_endpoint: 'https://sidecar.test/connect/mtls/token' },
  })
  t.deepEqual(document['scopes_supported'], ['audit', 'read', 'write'])
  t.deepEqual(document['response_types_supported'], [])
  const methods = document['token_endpoint_auth_methods_supported'] as string[]
  t.deepEqual(methods.toSorted(), METHODS.toSorted())

  const other = await running().send({ path: RFC8414 })
  t.is(other.text, answer.text)
  t.is(other.headers['content-type'], answer.headers['content-type'])
})

test('every endpoint that the documents name is there', async (t) => {
  const document = (await running().send({ path: OPENID })).json()
  const named = [
    ...Object.entries(document),
    ...Object.entries(document['mtls_endpoint_aliases'] as object),
  ].filter(([name]) => /_endpoint$|_uri$/.test(name))
  t.true(named.length >= 3)
  for (const [name, url] of named) {
    const answer = await running().send({ path: new URL(String(url)).pathname })
    t.deepEqual(running().arrivedOf(answer), [], name)
    t.not(running().refusalOf(answer)?.['reason'], 'no-credentials', name)
  }
})

test('HEAD is answered as GET is, without the body', async (t) => {
  for (const path of [OPENID, RFC8414, `${OPENID}/jwks`]) {
    const answer = await running().send({ path, method: 'HEAD' })
    t.is(answer.status, 200)
    t.is(answer.text, '')
  }
})

test('another method is refused, and not forwarded', async (t) => {
  for (const path of [OPENID, RFC8414, `${OPENID}/jwks`]) {
    const answer = await running().send({ path, method: 'POST', body: '' })
    t.is(answer.status, 405, path)
    t.is(answer.headers.allow, 'GET, HEAD')
    t.like(running().refusalOf(answer), { status: 405, reason: 'no-endpoint' })
    t.deepEqual(running().arrivedOf(answer), [])
  }
})

for (const [disabled, gone] of [
  ['parsers/client-secret-basic', ['client_secret_basic']],
  ['parsers/client-secret-post', ['client_secret_post']],
  ['parsers/private-key-jwt', ['private_key_jwt']],
  ['parsers/tls-client-certificate', ['tls_client_auth', 'self_signed_tls_client_auth']],
] as const) {
  test(`without ${disabled} its methods are neither named nor served`, async (t) => {
    const { client, selfSignedClient } = await pki()
    const sidecar = await startSidecar(t, {
      settings: { plugins: { disabled: [disabled] } },
      clients: [
        {
          clientId: 'batch',
          clientSecrets: [
            ...(secretClient('batch', SECRET)['clientSecrets'] as object[]),
            { type: 'JWK', value: JSON.stringify(client.publicKeyJwk) },
            { type: 'X509Name', value: 'CN=client, O=Example' },
            { type: 'X509Thumbprint', value: selfSignedClient.x509.fingerprint256 },
          ],
        },
      ],
    })
    const document = (await sidecar.send({ path: OPENID })).json()
    const named = document['token_endpoint_auth_methods_supported'] as string[]
    const ways = {
      client_secret_basic: {
        headers: {
          authorization: `Basic ${Buffer.from('batch:a+generated+secret').toString('base64')}`,
        },
      },
      client_secret_post: { form: { client_id: 'batch', client_secret: SECRET } },
      private_key_jwt: { form: await signAssertion('batch', client.privateKeyJwk) },
      tls_client_auth: { form: { client_id: 'batch' }, cert: client.cert, key: client.key },
      self_signed_tls_client_auth: {
        form: { client_id: 'batch' },
        cert: selfSignedClient.cert,
        key: selfSignedClient.key,
      },
    }
    for (const [method, request] of Object.entries(ways)) {
      const answer = await sidecar.send(tokenRequest(request))
      const served = !gone.some((one) => one === method)
      t.is(named.includes(method), served, method)
      if (served) tokenOf(t, answer)
      else t.true(answer.status === 401 || answer.status === 400, method)
    }
    const isSigned = 'token_endpoint_auth_signing_alg_values_supported' in document
    t.is(isSigned, named.includes('private_key_jwt'))
    const bound = 'mtls_endpoint_aliases' in document
    t.is(bound, named.includes('tls_client_auth'))
    t.is('tls_client_certificate_bound_access_tokens' in document, bound)
  })
}

test('a listener that asks for no certificates promises nothing about them', async (t) => {
  const sidecar = await startSidecar(t, { settings: { listen: { clientCertificates: 'none' } } })
  const document = (await sidecar.send({ path: OPENID })).json()
  t.deepEqual(document['token_endpoint_auth_methods_supported'], [
    'client_secret_basic',
    'client_secret_post',
    'private_key_jwt',
  ])
  t.false('mtls_endpoint_aliases' in document)
  t.false('tls_client_certificate_bound_access_tokens' in document)
})

test('under a prefix the endpoints are where the documents say, and their old paths are the API’s', async (t) => {
  const sidecar = await startSidecar(t, {
    settings: { issuer: 'https://sidecar.test/auth', endpoints: { prefix: '/auth' } },
    clients: [secretClient('batch', SECRET)],
  })
  const answer = await sidecar.send({ path: `/auth${OPENID}` })
  const document = answer.json<Record<string, string>>()
  t.like(answer.json(), {
    issuer: 'https://sidecar.test/auth',
    token_endpoint: 'https://sidecar.test/auth/connect/token',
    jwks_uri: `https://sidecar.test/auth${OPENID}/jwks`,
    mtls_endpoint_aliases: { token_endpoint: 'https://sidecar.test/auth/connect/mtls/token' },
  })
  t.is((await sidecar.send({ path: `${RFC8414}/auth` })).text, answer.text)

  const pathOf = (url = '') => new URL(url).pathname
  t.is((await sidecar.send({ path: pathOf(document['jwks_uri']) })).status, 200)
  const form = { client_id: 'batch', client_secret: SECRET }
  const request = tokenRequest({ form })
  const token = tokenOf(
    t,
    await sidecar.send({ ...request, path: pathOf(document['token_endpoint']) }),
  )

  for (const path of [OPENID, RFC8414, '/connect/token']) {
    t.is((await sidecar.send({ path })).status, 401, path)
    const headers = { authorization: `Bearer ${token}` }
    const forwarded = await sidecar.send({ path, headers })
    t.is(forwarded.status, 200, path)
    t.is(sidecar.arrivedOf(forwarded)[0]?.url, path)
  }
})

test('without a prefix the path of the issuer is one, so that both kinds of discovery find it', async (t) => {
  const sidecar = await startSidecar(t, {
    settings: { issuer: 'https://sidecar.test/tenant/' },
    clients: [secretClient('batch', SECRET)],
  })
  for (const path of [`${RFC8414}/tenant`, '/tenant/.well-known/openid-configuration']) {
    const answer = await sidecar.send({ path })
    t.is(answer.status, 200)
    t.like(answer.json(), {
      issuer: 'https://sidecar.test/tenant',
      token_endpoint: 'https://sidecar.test/tenant/connect/token',
    })
  }
})
