import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { assertRefused, INVALID_CLIENT, tokenOf, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'

async function clients() {
  const { selfSignedClient } = await pki()
  const { fingerprint256 } = selfSignedClient.x509
  return [
    secretClient('batch', SECRET),
    { clientId: 'laptop', clientSecrets: [{ type: 'X509Thumbprint', value: fingerprint256 }] },
  ]
}

const bySecret = { client_id: 'batch', client_secret: SECRET }

test('where certificates are required, nobody is heard without one, whatever it is', async (t) => {
  const { selfSignedClient, otherClient } = await pki()
  const running = await startSidecar(t, {
    settings: { listen: { clientCertificates: 'required' } },
    clients: await clients(),
  })
  await t.throwsAsync(running.send(tokenRequest({ form: bySecret })), { code: 'ECONNRESET' })
  for (const { cert, key } of [selfSignedClient, otherClient]) {
    tokenOf(t, await running.send(tokenRequest({ form: bySecret, cert, key })))
  }
  const { cert, key } = selfSignedClient
  tokenOf(t, await running.send(tokenRequest({ form: { client_id: 'laptop' }, cert, key })))
})

test('where none are asked for, one that is sent all the same proves nothing', async (t) => {
  const { cert, key } = (await pki()).selfSignedClient
  const running = await startSidecar(t, {
    settings: { listen: { clientCertificates: 'none' } },
    clients: await clients(),
  })
  const form = { client_id: 'laptop' }
  assertRefused(t, running, await running.send(tokenRequest({ form, cert, key })), {
    ...INVALID_CLIENT,
    reason: 'no-credentials',
  })
  tokenOf(t, await running.send(tokenRequest({ form: bySecret, cert, key })))
})
