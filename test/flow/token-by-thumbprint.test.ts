import test from 'ava'
import { decodeJwt } from 'jose'

import { pki } from '../support/pki.ts'
import type { Identity } from '../support/pki.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { assertRefused, INVALID_CLIENT, tokenOf, tokenRequest } from '../support/token-request.ts'

const running = sharedSidecar(test, async () => {
  const { client, selfSignedClient, expiredClient, notYetValidClient, otherClient } = await pki()
  return {
    clients: [
      thumbprintClient('laptop', sha256Of(selfSignedClient)),
      thumbprintClient('sha1', client.x509.fingerprint.toLowerCase()),
      thumbprintClient('dialog', `\u200e${sha256Of(client).replaceAll(/../g, '$& ').trim()}`),
      thumbprintClient('expired', sha256Of(expiredClient)),
      thumbprintClient('early', sha256Of(notYetValidClient)),
      thumbprintClient('untrusted', sha256Of(otherClient)),
    ],
  }
})

function sha256Of({ x509 }: Identity): string {
  return x509.fingerprint256.replaceAll(':', '')
}

function thumbprintClient(clientId: string, value: string) {
  const secret = { type: 'X509Thumbprint', value, description: `certificate of ${clientId}` }
  return { clientId, clientSecrets: [secret], allowedScopes: ['read'] }
}

async function ask({ cert, key }: Identity, clientId?: string) {
  const form = clientId === undefined ? {} : { client_id: clientId }
  return running().send(tokenRequest({ form, cert, key }))
}

test('a self-signed certificate is known by its SHA-256 thumbprint, and binds the token', async (t) => {
  const { selfSignedClient } = await pki()
  const token = tokenOf(t, await ask(selfSignedClient, 'laptop'))
  const digest = Buffer.from(sha256Of(selfSignedClient), 'hex').toString('base64url')
  t.like(decodeJwt(token), { client_id: 'laptop', cnf: { 'x5t#S256': digest } })
})

test('a thumbprint may be SHA-1, in lower case and with colons, and is warned of', async (t) => {
  tokenOf(t, await ask((await pki()).client, 'sha1'))
  const warnings = running().log.filter(({ event }) => event === 'config.note')
  t.is(warnings.filter((line) => String(line['message']).includes('SHA-1 thumbprint')).length, 1)
})

test('a thumbprint may be as a dialog shows it, with an invisible mark before it', async (t) => {
  tokenOf(t, await ask((await pki()).client, 'dialog'))
})

test('a certificate of an authority that nobody trusts is known by its thumbprint', async (t) => {
  tokenOf(t, await ask((await pki()).otherClient, 'untrusted'))
})

test('the client is found by the certificate when the request names none', async (t) => {
  const token = tokenOf(t, await ask((await pki()).selfSignedClient))
  t.is(decodeJwt(token)['client_id'], 'laptop')
})

test('a certificate that two clients registered finds neither, under whichever thumbprint', async (t) => {
  assertRefused(t, running(), await ask((await pki()).client), {
    ...INVALID_CLIENT,
    reason: 'client-ambiguous',
  })
})

test('a certificate of another client than the one named is refused', async (t) => {
  const { client } = await pki()
  assertRefused(t, running(), await ask(client, 'laptop'), {
    ...INVALID_CLIENT,
    reason: 'cert-thumbprint-unknown',
    line: {
      claimedClient: 'laptop',
      parser: 'parsers/tls-client-certificate',
      got: `SHA-1 ${client.x509.fingerprint.replaceAll(':', '')}, SHA-256 ${sha256Of(client)}`,
      considered: [
        {
          secret: 'certificate of laptop',
          type: 'X509Thumbprint',
          reason: 'cert-thumbprint-unknown',
          want: sha256Of((await pki()).selfSignedClient),
        },
      ],
    },
  })
})

test('a certificate that nobody registered is refused', async (t) => {
  const { rsaClient } = await pki()
  const unknown = await rsaClient()
  assertRefused(t, running(), await ask(unknown), {
    ...INVALID_CLIENT,
    reason: 'client-not-found-by-certificate',
  })
  assertRefused(t, running(), await ask(unknown, 'nobody'), {
    ...INVALID_CLIENT,
    reason: 'client-unknown',
    line: { claimedClient: 'nobody' },
  })
})

for (const [which, clientId, reason] of [
  ['expiredClient', 'expired', 'cert-expired'],
  ['notYetValidClient', 'early', 'cert-not-yet-valid'],
] as const) {
  test(`a registered certificate counts within its validity only: ${reason}`, async (t) => {
    const certificate = (await pki())[which]
    for (const name of [clientId, undefined]) {
      assertRefused(t, running(), await ask(certificate, name), {
        ...INVALID_CLIENT,
        reason,
        line: { claimedClient: clientId },
      })
    }
  })
}

test('without a certificate the endpoint for certificates has nothing to say', async (t) => {
  const answer = await running().send({
    ...tokenRequest({ form: { client_id: 'laptop' } }),
    path: '/connect/mtls/token',
  })
  assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'cert-missing' })
})

test('the endpoint for certificates gives tokens as the other does', async (t) => {
  const { cert, key } = (await pki()).selfSignedClient
  const request = tokenRequest({ form: { client_id: 'laptop' }, cert, key })
  tokenOf(t, await running().send({ ...request, path: '/connect/mtls/token' }))
})
