import { setDefaultCACertificates } from 'node:tls'

import test from 'ava'

import { pki } from '../support/pki.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { assertRefused, INVALID_CLIENT, tokenOf, tokenRequest } from '../support/token-request.ts'

const running = sharedSidecar(test, async () => {
  const { client, rootCa } = await pki()
  // As if the authority were one that the whole world trusts.
  setDefaultCACertificates([rootCa.pem])
  return {
    settings: { trust: { anchors: [] } },
    clients: [
      { clientId: 'name', clientSecrets: [{ type: 'X509Name', value: 'CN=client, O=Example' }] },
      {
        clientId: 'thumbprint',
        clientSecrets: [{ type: 'X509Thumbprint', value: client.x509.fingerprint256 }],
      },
    ],
  }
})

test('without anchors no authority vouches for a name, public ones included', async (t) => {
  const { cert, key } = (await pki()).client
  const answer = await running().send(tokenRequest({ form: { client_id: 'name' }, cert, key }))
  assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'chain-untrusted' })
})

test('without anchors a thumbprint counts as ever', async (t) => {
  const { cert, key } = (await pki()).client
  const form = { client_id: 'thumbprint' }
  tokenOf(t, await running().send(tokenRequest({ form, cert, key })))
})
