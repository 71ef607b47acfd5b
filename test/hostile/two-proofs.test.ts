import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { basic } from '../support/send.ts'
import type { SendOptions } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { assertRefused, INVALID_REQUEST, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'
const POST = { client_id: 'batch', client_secret: SECRET }
const headers = { authorization: basic('batch', SECRET) }
const SAML = 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer'

const running = sharedSidecar(test, { clients: [secretClient('batch', SECRET)] })

const pairs: Readonly<Record<string, SendOptions>> = {
  'a secret in the form and a bearer token': {
    form: POST,
    headers: { authorization: 'Bearer abc.def' },
  },
  'a secret in the form and a scheme that nobody reads': {
    form: POST,
    headers: { authorization: 'Negotiate zzz' },
  },
  'a Basic header and a SAML assertion': {
    form: { client_assertion: 'abc', client_assertion_type: SAML },
    headers,
  },
  'a Basic header and an assertion of an unknown type': {
    form: { client_assertion: 'abc', client_assertion_type: 'urn:foo' },
    headers,
  },
}

for (const [what, request] of Object.entries(pairs)) {
  test(`${what} are two proofs, though only one could be read`, async (t) => {
    const answer = await running().send(tokenRequest(request))
    assertRefused(t, running(), answer, { ...INVALID_REQUEST, reason: 'credential-unread' })
  })
}

test('an empty Authorization header beside a certificate is no proof of anything', async (t) => {
  const { pki } = running()
  const local = await startSidecar(t, {
    clients: [
      {
        clientId: 'billing',
        clientSecrets: [{ type: 'X509Name', value: 'CN=client, O=Example' }],
      },
    ],
  })
  const { cert, key } = pki.client
  const bare = await local.send({ path: '/', cert, key })
  t.is(bare.status, 200)
  const empty = await local.send({ path: '/', cert, key, headers: { authorization: '' } })
  t.is(empty.status, 401)
  t.is(local.upstream.arrived.length, 1)
})
