import test from 'ava'

import { secretClient, sha256 } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { basic } from '../support/send.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import { assertRefused, INVALID_CLIENT, INVALID_REQUEST } from '../support/token-request.ts'

const SECRET = 'a generated secret'

const running = sharedSidecar(test, async () => {
  const { client, selfSignedClient } = await pki()
  return {
    clients: [
      secretClient('batch', SECRET, { clientName: 'Nightly batch' }),
      secretClient('raw', 'a+b', { basicDecoding: 'raw' }),
      secretClient('open', SECRET, { requireClientSecret: false }),
      secretClient('off', SECRET, { enabled: false }),
      secretClient('no basic', SECRET, { allowedAuthenticationMethods: ['client_secret_post'] }),
      {
        clientId: 'named',
        clientSecrets: [{ type: 'X509Name', value: 'CN=client, O=Example' }],
        allowedScopes: ['read'],
      },
      {
        clientId: 'laptop',
        clientSecrets: [
          { type: 'X509Thumbprint', value: selfSignedClient.x509.fingerprint256 },
          { value: sha256(SECRET) },
        ],
      },
      {
        clientId: 'signer',
        clientSecrets: [{ type: 'JWK', value: JSON.stringify(client.publicKeyJwk) }],
      },
    ],
  }
})

test('a client may prove itself on the API call itself, by a secret', async (t) => {
  const headers = { authorization: basic('batch', SECRET) }
  const answer = await running().send({ method: 'POST', path: '/orders', body: 'hello', headers })
  t.is(answer.status, 200, answer.text)
  const [arrived] = running().arrivedOf(answer)
  t.is(arrived?.body.toString(), 'hello')
  t.like(arrived?.headers, {
    'x-client-id': 'batch',
    'x-client-name': 'Nightly batch',
    'x-client-scopes': 'read write',
    'x-client-auth-method': 'client_secret_basic',
  })
  t.is(arrived?.headers['authorization'], undefined)
  t.is(arrived?.headers['x-client-certificate-thumbprint'], undefined)
})

test('a client’s way of writing the header counts here too', async (t) => {
  const header = `Basic ${Buffer.from('raw:a+b').toString('base64')}`
  const answer = await running().send({ path: '/', headers: { authorization: header } })
  t.is(answer.status, 200, answer.text)
})

for (const [which, clientId, method] of [
  ['client', 'named', 'tls_client_auth'],
  ['intermediateClient', 'named', 'tls_client_auth'],
  ['selfSignedClient', 'laptop', 'self_signed_tls_client_auth'],
] as const) {
  test(`a client may prove itself by its certificate alone: ${which}`, async (t) => {
    const { cert, key, x509 } = (await pki())[which]
    const answer = await running().send({ path: '/orders', cert, key })
    t.is(answer.status, 200, answer.text)
    t.like(running().arrivedOf(answer)[0]?.headers, {
      'x-client-id': clientId,
      'x-client-auth-method': method,
      'x-client-certificate-thumbprint': x509.fingerprint256.replaceAll(':', ''),
    })
  })
}

for (const [which, reason] of [
  ['otherClient', 'chain-untrusted'],
  ['expiredClient', 'cert-expired'],
  ['serverAuthClient', 'chain-eku'],
] as const) {
  test(`a certificate that proves nothing is refused: ${which}`, async (t) => {
    const { cert, key } = (await pki())[which]
    const answer = await running().send({ path: '/orders', cert, key })
    assertRefused(t, running(), answer, {
      ...INVALID_CLIENT,
      reason,
      line: { claimedClient: 'named', parser: 'parsers/tls-client-certificate' },
    })
    t.deepEqual(running().arrivedOf(answer), [])
  })
}

test('a certificate that nobody registered is refused', async (t) => {
  const { cert, key } = await (await pki()).selfSigned({ subject: 'CN=nobody' })
  const answer = await running().send({ path: '/orders', cert, key })
  assertRefused(t, running(), answer, {
    ...INVALID_CLIENT,
    reason: 'client-not-found-by-certificate',
  })
})

for (const [what, authorization, expected] of [
  ['a wrong secret', basic('batch', 'wrong'), { ...INVALID_CLIENT, reason: 'secret-mismatch' }],
  ['an unknown client', basic('nobody', SECRET), { ...INVALID_CLIENT, reason: 'client-unknown' }],
  ['a disabled client', basic('off', SECRET), { ...INVALID_CLIENT, reason: 'client-disabled' }],
  [
    'a method that the client may not use',
    basic('no basic', SECRET),
    { ...INVALID_CLIENT, reason: 'method-not-allowed' },
  ],
  ['a malformed header', 'Basic !', { ...INVALID_REQUEST, reason: 'basic-malformed-base64' }],
  [
    'a scheme that nobody here reads',
    'Digest username="batch"',
    { ...INVALID_CLIENT, reason: 'no-credentials' },
  ],
] as const) {
  test(`${what} is refused, and the upstream hears nothing`, async (t) => {
    const answer = await running().send({ path: '/orders', headers: { authorization } })
    assertRefused(t, running(), answer, expected)
    const challenges = 'Bearer realm="vouchgate", Basic realm="vouchgate"'
    t.is(answer.headers['www-authenticate'], expected.status === 401 ? challenges : undefined)
    t.deepEqual(running().arrivedOf(answer), [])
  })

  test(`${what} is not made good by a certificate`, async (t) => {
    const { cert, key } = (await pki()).client
    const answer = await running().send({ path: '/orders', headers: { authorization }, cert, key })
    t.is(answer.status, expected.reason === 'no-credentials' ? 401 : expected.status)
    t.deepEqual(running().arrivedOf(answer), [])
    const unread = expected.reason === 'no-credentials'
    t.is(
      running().refusalOf(answer)?.['reason'],
      unread ? 'authorization-scheme-unknown' : expected.reason,
    )
  })
}

test('a secret counts beside a certificate, and the certificate does not', async (t) => {
  const { cert, key } = (await pki()).client
  const headers = { authorization: basic('batch', SECRET) }
  const answer = await running().send({ path: '/', headers, cert, key })
  t.like(running().arrivedOf(answer)[0]?.headers, {
    'x-client-id': 'batch',
    'x-client-auth-method': 'client_secret_basic',
  })
  t.is(running().arrivedOf(answer)[0]?.headers['x-client-certificate-thumbprint'], undefined)
})

test('a form for the API is the API’s: what it holds proves nothing', async (t) => {
  for (const form of [
    { client_id: 'batch', client_secret: SECRET },
    { client_id: 'open' },
    await signAssertion('signer', (await pki()).client.privateKeyJwk),
  ]) {
    const answer = await running().send({ path: '/orders', form })
    assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'no-credentials' })
    t.deepEqual(running().arrivedOf(answer), [])
    const headers = { authorization: basic('batch', SECRET) }
    const sent = await running().send({ path: '/orders', form, headers })
    t.is(running().arrivedOf(sent)[0]?.body.toString(), new URLSearchParams({ ...form }).toString())
  }
})

test('a header that is the upstream’s is no contradiction to a certificate', async (t) => {
  const sidecar = await startSidecar(t, {
    settings: { identity: { forwardAuthorization: true } },
    clients: [
      {
        clientId: 'named',
        clientSecrets: [{ type: 'X509Name', value: 'CN=client, O=Example' }],
      },
    ],
  })
  const { cert, key } = (await pki()).client
  const headers = { authorization: 'Digest username="u"' }
  const answer = await sidecar.send({ path: '/', headers, cert, key })
  t.is(answer.status, 200, answer.text)
  t.like(sidecar.arrivedOf(answer)[0]?.headers, {
    'x-client-id': 'named',
    authorization: 'Digest username="u"',
  })
})
