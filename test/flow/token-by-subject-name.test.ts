import test from 'ava'
import { decodeJwt } from 'jose'

import { pki } from '../support/pki.ts'
import type { Identity } from '../support/pki.ts'
import type { IssueOptions } from '../../src/certificates/issue-certificate.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { assertRefused, INVALID_CLIENT, tokenOf, tokenRequest } from '../support/token-request.ts'

/** Of `pki().client` and its doubles. */
const NOTATIONS = {
  '.NET': 'CN=client, O=Example',
  'the other whole order': 'O=Example, CN=client',
  'RFC 4514': 'CN=client,O=Example',
  'OpenSSL one-line': 'O = Example, CN = client',
  slash: '/O=Example/CN=client',
  'other letter case': 'cn=Client, o=EXAMPLE',
}

const running = sharedSidecar(test, {
  clients: [
    ...Object.entries(NOTATIONS).map(([notation, name]) => nameClient(notation, name)),
    nameClient('name', NOTATIONS['.NET']),
    nameClient('cn alone', 'CN=client'),
    nameClient('more', 'CN=client, OU=Sales, O=Example'),
    nameClient('comma', 'CN="Billing, Ltd", O=Example'),
    nameClient('permuted', 'CN=three, O=Example, OU=Sales'),
    nameClient('two names', 'CN=admin'),
  ],
})

function nameClient(clientId: string, value: string) {
  const secret = { type: 'X509Name', value, description: `name of ${clientId}` }
  return { clientId, clientSecrets: [secret], allowedScopes: ['read'] }
}

async function ask({ cert, key }: Pick<Identity, 'cert' | 'key'>, clientId?: string) {
  const form = clientId === undefined ? {} : { client_id: clientId }
  return running().send(tokenRequest({ form, cert, key }))
}

for (const notation of Object.keys(NOTATIONS)) {
  test(`a trusted certificate is known by its subject name in ${notation}`, async (t) => {
    const { client } = await pki()
    const claims = decodeJwt(tokenOf(t, await ask(client, notation)))
    t.like(claims, { client_id: notation })
    t.deepEqual(claims['cnf'], {
      'x5t#S256': Buffer.from(client.x509.fingerprint256.replaceAll(':', ''), 'hex').toString(
        'base64url',
      ),
    })
  })
}

test('an intermediate that is sent along completes the chain', async (t) => {
  tokenOf(t, await ask((await pki()).intermediateClient, 'name'))
})

test('a name with a comma is one name', async (t) => {
  const { leaf } = await pki()
  const certificate = await leaf({ subject: 'CN="Billing, Ltd", O=Example' })
  const token = tokenOf(t, await ask(certificate))
  t.is(decodeJwt(token)['client_id'], 'comma')
})

test('a name that several clients registered finds none of them', async (t) => {
  assertRefused(t, running(), await ask((await pki()).client), {
    ...INVALID_CLIENT,
    reason: 'client-ambiguous',
  })
})

for (const [what, reason, presented] of [
  ['an intermediate that was not sent', 'chain-untrusted', unlinked],
  ['another authority', 'chain-untrusted', async () => (await pki()).otherClient],
  ['nobody but itself', 'chain-untrusted', selfSigned],
  ['an expired certificate', 'cert-expired', async () => (await pki()).expiredClient],
  ['one not yet valid', 'cert-not-yet-valid', async () => (await pki()).notYetValidClient],
  ['one for servers only', 'chain-eku', async () => (await pki()).serverAuthClient],
  ['a leaf that signs leaves', 'chain-ca', belowALeaf],
] as const) {
  test(`the right name proves nothing with ${what} behind it`, async (t) => {
    assertRefused(t, running(), await ask(await presented(), 'name'), {
      ...INVALID_CLIENT,
      reason,
      line: {
        claimedClient: 'name',
        parser: 'parsers/tls-client-certificate',
        considered: [{ secret: 'name of name', type: 'X509Name', reason }],
      },
    })
  })
}

async function unlinked() {
  const { intermediateClient } = await pki()
  return { cert: intermediateClient.pem, key: intermediateClient.key }
}

async function selfSigned() {
  return (await pki()).selfSigned()
}

/** Followed by the certificate of an authority that would be trusted. */
async function belowALeaf() {
  const { client, leaf, rootCa } = await pki()
  const below = await leaf({ issuer: client })
  return { cert: below.pem + client.pem + rootCa.pem, key: below.key }
}

const OTHERS: readonly (readonly [string, string, Partial<IssueOptions>])[] = [
  ['a common name of several attributes', 'cn alone', {}],
  ['a name that lacks an attribute', 'more', {}],
  ['a permutation', 'permuted', { subject: 'CN=three, OU=Sales, O=Example' }],
  ['a second common name', 'two names', { subject: 'CN=admin, CN=client' }],
  ['a common name that holds the whole', 'name', { subject: 'CN="client, O=Example"' }],
]

for (const [what, clientId, options] of OTHERS) {
  test(`${what} is another name`, async (t) => {
    const { client, leaf } = await pki()
    const certificate = Object.keys(options).length === 0 ? client : await leaf(options)
    assertRefused(t, running(), await ask(certificate, clientId), {
      ...INVALID_CLIENT,
      reason: 'cert-subject-mismatch',
      line: { considered: [{ secret: `name of ${clientId}`, reason: 'cert-subject-mismatch' }] },
    })
  })
}

test('an authority of the client’s own, sent along with it, vouches for nothing', async (t) => {
  const { otherClient, otherCa, rootCa } = await pki()
  const cert = otherClient.pem + otherCa.pem + rootCa.pem
  assertRefused(t, running(), await ask({ cert, key: otherClient.key }, 'name'), {
    ...INVALID_CLIENT,
    reason: 'chain-untrusted',
  })
})
