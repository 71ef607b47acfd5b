import test from 'ava'
import { decodeJwt } from 'jose'

import { secretClient, sha256 } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { basic, rawBasic } from '../support/send.ts'
import type { SendOptions } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import {
  assertRefused,
  INVALID_CLIENT,
  INVALID_REQUEST,
  tokenOf,
  tokenRequest,
} from '../support/token-request.ts'

const SECRET = 'the secret of everybody'

/** Everything that a request for a token by each method consists of. */
const WAYS_IN: Readonly<Record<string, (id: string) => Promise<SendOptions> | SendOptions>> = {
  client_secret_basic: (id) => ({ headers: { authorization: basic(id, SECRET) } }),
  client_secret_post: (id) => ({ form: { client_id: id, client_secret: SECRET } }),
  private_key_jwt: async (id) => ({
    form: await signAssertion(id, (await pki()).client.privateKeyJwk),
  }),
  tls_client_auth: (id) => withCertificate(id, 'client'),
  self_signed_tls_client_auth: (id) => withCertificate(id, 'selfSignedClient'),
}

const METHODS = Object.keys(WAYS_IN)

async function withCertificate(id: string, which: 'client' | 'selfSignedClient') {
  const { cert, key } = (await pki())[which]
  return { form: { client_id: id }, cert, key }
}

const running = sharedSidecar(test, async () => {
  const { client, selfSignedClient } = await pki()
  const clientSecrets = [
    { value: sha256(SECRET) },
    { type: 'X509Name', value: 'CN=client, O=Example' },
    { type: 'X509Thumbprint', value: selfSignedClient.x509.fingerprint256 },
    { type: 'JWK', value: JSON.stringify(client.publicKeyJwk) },
  ]
  return {
    clients: [
      { clientId: 'any', clientSecrets },
      ...METHODS.map((method) => ({
        clientId: method,
        clientSecrets,
        allowedAuthenticationMethods: [method],
      })),
      { clientId: 'open', clientSecrets, requireClientSecret: false },
      {
        clientId: 'open but proven',
        clientSecrets,
        requireClientSecret: false,
        allowedAuthenticationMethods: ['client_secret_basic'],
      },
      { clientId: 'open and off', requireClientSecret: false, enabled: false },
      secretClient('a b', SECRET),
      secretClient('a+b', SECRET, { basicDecoding: 'raw' }),
    ],
  }
})

for (const allowed of METHODS) {
  for (const used of METHODS) {
    const outcome = used === allowed ? 'is known' : 'is refused'
    test(`a client that may use ${allowed} only and uses ${used} ${outcome}`, async (t) => {
      const answer = await running().send(tokenRequest(await WAYS_IN[used]?.(allowed)))
      if (used === allowed) tokenOf(t, answer)
      else
        assertRefused(t, running(), answer, {
          ...INVALID_CLIENT,
          reason: 'method-not-allowed',
          line: { claimedClient: allowed, got: used, want: allowed },
        })
    })
  }
}

const EXPLICIT = ['client_secret_basic', 'client_secret_post', 'private_key_jwt']

for (const [first, second] of [
  ['client_secret_basic', 'client_secret_post'],
  ['client_secret_basic', 'private_key_jwt'],
  ['client_secret_post', 'private_key_jwt'],
] as const) {
  test(`${first} beside ${second} is refused, though each alone is good`, async (t) => {
    const [one, other] = [await WAYS_IN[first]?.('any'), await WAYS_IN[second]?.('any')]
    const both = { ...one, ...other, form: { ...one?.form, ...other?.form } }
    const answer = await running().send(tokenRequest(both))
    assertRefused(t, running(), answer, {
      ...INVALID_REQUEST,
      reason: 'several-credentials',
      line: { got: `${first} and ${second}` },
    })
    for (const method of [first, second]) {
      tokenOf(t, await running().send(tokenRequest(await WAYS_IN[method]?.('any'))))
    }
  })
}

test('a secret in the body without an id is refused beside a Basic header', async (t) => {
  const headers = { authorization: basic('any', SECRET) }
  const form = { client_secret: SECRET }
  assertRefused(t, running(), await running().send(tokenRequest({ headers, form })), {
    ...INVALID_REQUEST,
    reason: 'post-without-client-id',
  })
})

for (const method of ['client_secret_basic', 'private_key_jwt']) {
  test(`a client_id that is another’s is refused beside ${method}`, async (t) => {
    const request = await WAYS_IN[method]?.('any')
    const form = { ...request?.form, client_id: 'open' }
    const answer = await running().send(tokenRequest({ ...request, form }))
    assertRefused(t, running(), answer, { ...INVALID_REQUEST, reason: 'client-id-mismatch' })
  })

  test(`a client_id that is the same may stand beside ${method}`, async (t) => {
    const request = await WAYS_IN[method]?.('any')
    const form = { ...request?.form, client_id: 'any' }
    tokenOf(t, await running().send(tokenRequest({ ...request, form })))
  })
}

test('of two readings of a Basic header a client_id beside it leaves one', async (t) => {
  const headers = { authorization: rawBasic('a+b', SECRET) }
  for (const [clientId, form] of [
    ['a b', {}],
    ['a b', { client_id: 'a b' }],
    ['a+b', { client_id: 'a+b' }],
  ] as const) {
    const token = tokenOf(t, await running().send(tokenRequest({ headers, form })))
    t.is(decodeJwt(token)['client_id'], clientId)
  }
  const answer = await running().send(tokenRequest({ headers, form: { client_id: 'any' } }))
  assertRefused(t, running(), answer, { ...INVALID_REQUEST, reason: 'client-id-mismatch' })
})

for (const method of EXPLICIT) {
  test(`a certificate of the connection does not count beside ${method}`, async (t) => {
    const { cert, key } = (await pki()).client
    const request = tokenRequest({ ...(await WAYS_IN[method]?.(method)), cert, key })
    t.is(decodeJwt(tokenOf(t, await running().send(request)))['cnf'], undefined)

    const wrong = { ...(await WAYS_IN[method]?.('nobody')), cert, key }
    assertRefused(t, running(), await running().send(tokenRequest(wrong)), {
      ...INVALID_CLIENT,
      reason: 'client-unknown',
      line: { claimedClient: 'nobody' },
    })
  })
}

test('a malformed credential is not passed over in favour of a certificate', async (t) => {
  const { cert, key } = (await pki()).client
  const headers = { authorization: 'Basic !' }
  const answer = await running().send(
    tokenRequest({ headers, form: { client_id: 'any' }, cert, key }),
  )
  assertRefused(t, running(), answer, { ...INVALID_REQUEST, reason: 'basic-malformed-base64' })
})

test('a client that needs no secret is known by its name', async (t) => {
  const answer = await running().send(tokenRequest({ form: { client_id: 'open' } }))
  t.is(decodeJwt(tokenOf(t, answer))['client_id'], 'open')
})

test('a client that needs no secret is known by its name whatever certificate is there', async (t) => {
  const { cert, key } = (await pki()).otherClient
  const answer = await running().send(tokenRequest({ form: { client_id: 'open' }, cert, key }))
  t.is(decodeJwt(tokenOf(t, answer))['cnf'], undefined)
})

test('a client that needs no secret and sends a wrong one is refused', async (t) => {
  const form = { client_id: 'open', client_secret: 'wrong' }
  assertRefused(t, running(), await running().send(tokenRequest({ form })), {
    ...INVALID_CLIENT,
    reason: 'secret-mismatch',
  })
})

for (const clientId of ['open but proven', 'open and off', 'any', 'nobody']) {
  test(`the name alone is not enough for the client "${clientId}"`, async (t) => {
    const answer = await running().send(tokenRequest({ form: { client_id: clientId } }))
    assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'no-credentials' })
  })
}
