import test from 'ava'

import { pki } from '../support/pki.ts'
import type { Identity } from '../support/pki.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import type { AssertionOptions } from '../support/sign-assertion.ts'
import { assertRefused, INVALID_CLIENT, tokenOf, tokenRequest } from '../support/token-request.ts'

const NAME = 'CN=client, O=Example'
const SPIFFE = 'spiffe://example.org/ns/prod/sa/orders'

const running = sharedSidecar(test, async () => {
  const { otherCa, client } = await pki()
  return {
    settings: {
      trust: { anchors: ['ca.crt'], sets: { 'tenant-b': { anchors: ['other.crt'] } } },
    },
    files: { 'other.crt': otherCa.pem },
    clients: [
      certificateClient('name', { type: 'X509Name', value: NAME }),
      certificateClient('name b', { type: 'X509Name', value: NAME, anchors: 'tenant-b' }),
      certificateClient('san', { type: 'X509SanUri', value: SPIFFE }),
      certificateClient('issued', {
        type: 'X509IssuerSubject',
        value: NAME,
        issuer: 'CN=Root CA, O=Example',
      }),
      certificateClient('anchor', { type: 'X509Anchor', value: 'default' }),
      certificateClient('anchor b', { type: 'X509Anchor', value: 'tenant-b' }),
      certificateClient('PS256 only', {
        type: 'X509Name',
        value: NAME,
        algorithms: ['PS256'],
      }),
      certificateClient('unknown set', { type: 'X509Anchor', value: 'tenant-x' }),
      certificateClient('key', { type: 'JWK', value: JSON.stringify(client.publicKeyJwk) }),
    ],
  }
})

function certificateClient(clientId: string, ...clientSecrets: object[]) {
  return { clientId, clientSecrets }
}

interface AskOptions extends AssertionOptions {
  /** Absent: the certificate alone. */
  readonly chain?: readonly Pick<Identity, 'certificate'>[]
  readonly signer?: Identity
}

async function ask(clientId: string, identity: Identity, options: AskOptions = {}) {
  const { chain = [identity], signer = identity, header, claims } = options
  const x5c = chain.map(({ certificate }) => certificate.toString('base64'))
  const form = await signAssertion(clientId, signer.privateKeyJwk, {
    header: { x5c, alg: signer.keyAlgorithm, ...header },
    ...(claims && { claims }),
  })
  return running().send(tokenRequest({ form }))
}

for (const clientId of ['name', 'issued', 'anchor']) {
  test(`an assertion with its certificate is accepted for a client registered by ${clientId}`, async (t) => {
    const { client, rootCa } = await pki()
    tokenOf(t, await ask(clientId, client))
    tokenOf(t, await ask(clientId, client, { chain: [client, rootCa] }))
  })
}

test('intermediates that came along complete the chain', async (t) => {
  const { intermediateClient, intermediateCa } = await pki()
  const chain = [intermediateClient, intermediateCa]
  tokenOf(t, await ask('name', intermediateClient, { chain }))
  assertRefused(t, running(), await ask('name', intermediateClient), {
    ...INVALID_CLIENT,
    reason: 'chain-untrusted',
  })
})

test('a SPIFFE id is enough', async (t) => {
  const { leaf } = await pki()
  const svid = await leaf({ subject: 'CN=svid', sans: { uri: [SPIFFE] } })
  tokenOf(t, await ask('san', svid))
  assertRefused(t, running(), await ask('san', (await pki()).client), {
    ...INVALID_CLIENT,
    reason: 'cert-san-mismatch',
  })
})

test('RSA signs too, with the algorithms that the secret allows', async (t) => {
  const rsa = await (await pki()).rsaClient()
  for (const alg of ['RS256', 'PS256', 'RS512'])
    tokenOf(t, await ask('name', rsa, { header: { alg } }))
  tokenOf(t, await ask('PS256 only', rsa, { header: { alg: 'PS256' } }))
  assertRefused(t, running(), await ask('PS256 only', rsa, { header: { alg: 'RS256' } }), {
    ...INVALID_CLIENT,
    reason: 'jwt-alg-not-allowed',
  })
})

test('the anchors of one tenant vouch for no client of another', async (t) => {
  const { client, otherClient } = await pki()
  for (const clientId of ['name b', 'anchor b']) {
    tokenOf(t, await ask(clientId, otherClient))
    assertRefused(t, running(), await ask(clientId, client), {
      ...INVALID_CLIENT,
      reason: 'chain-untrusted',
    })
  }
  for (const clientId of ['name', 'anchor']) {
    assertRefused(t, running(), await ask(clientId, otherClient), {
      ...INVALID_CLIENT,
      reason: 'chain-untrusted',
    })
  }
})

test('an anchor that is no set is said where it stands', (t) => {
  const lines = running().log.filter(({ event }) => event === 'config.disabled')
  t.is(lines.length, 1)
  t.regex(String(lines[0]?.['message']), /"unknown set".*no such set of anchors/)
})

for (const [what, reason, make] of [
  ['of a self-signed certificate', 'chain-untrusted', async () => (await pki()).selfSigned()],
  ['of an expired certificate', 'chain-expired', async () => (await pki()).expiredClient],
  ['of one not yet valid', 'chain-not-yet-valid', async () => (await pki()).notYetValidClient],
  ['of one for servers only', 'chain-eku', async () => (await pki()).serverAuthClient],
] as const) {
  test(`a chain ${what} is refused`, async (t) => {
    const certificate = await make()
    for (const clientId of ['name', 'anchor']) {
      assertRefused(t, running(), await ask(clientId, certificate), { ...INVALID_CLIENT, reason })
    }
  })
}

test('the signer is the first certificate, whatever stands behind it', async (t) => {
  const { client, rootCa, selfSigned } = await pki()
  const evil = await selfSigned()
  for (const chain of [
    [evil, client, rootCa],
    [evil, evil, rootCa, client],
    [evil, rootCa, client, evil],
  ]) {
    for (const clientId of ['name', 'anchor']) {
      const answer = await ask(clientId, evil, { chain })
      t.is(answer.status, 401)
      t.regex(String(running().refusalOf(answer)?.['reason']), /^chain-(untrusted|signature)$/)
    }
  }
  // Somebody else's chain, signed with a key of one's own.
  for (const clientId of ['name', 'anchor']) {
    assertRefused(t, running(), await ask(clientId, client, { signer: evil }), {
      ...INVALID_CLIENT,
      reason: 'jwt-signature',
    })
  }
})

test('a certificate of another name is refused, whoever vouches for it', async (t) => {
  const other = await (await pki()).leaf({ subject: 'CN=other, O=Example' })
  assertRefused(t, running(), await ask('name', other), {
    ...INVALID_CLIENT,
    reason: 'cert-subject-mismatch',
    line: { considered: [{ type: 'X509Name', reason: 'cert-subject-mismatch' }] },
  })
  tokenOf(t, await ask('anchor', other))
})

test('a thumbprint beside the chain must be that of its leaf', async (t) => {
  const { client, rootCa } = await pki()
  const x5t = (of: Identity) =>
    Buffer.from(of.x509.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')
  tokenOf(t, await ask('name', client, { header: { 'x5t#S256': x5t(client) } }))
  assertRefused(t, running(), await ask('name', client, { header: { 'x5t#S256': x5t(rootCa) } }), {
    ...INVALID_CLIENT,
    reason: 'jwt-x5c',
  })
})

const DER = Buffer.from('30030201', 'hex').toString('base64')

for (const [what, x5c] of [
  ['no list', 'text'],
  ['an empty list', []],
  ['numbers', [1, 2]],
  ['no certificate', [DER]],
  ['base64url', ['_-8']],
  ['padding too much', ['AAAA====']],
  ['a hundred certificates', Array.from({ length: 100 }, () => DER)],
] as const) {
  test(`x5c with ${what} is refused`, async (t) => {
    const { client } = await pki()
    assertRefused(t, running(), await ask('name', client, { header: { x5c } }), {
      ...INVALID_CLIENT,
      reason: 'jwt-x5c',
    })
  })
}

test('a leaf that is too large is not looked at', async (t) => {
  const { leaf } = await pki()
  const dns = Array.from({ length: 400 }, (_, index) => `host-${index}.long-name.example.com`)
  const large = await leaf({ sans: { dns } })
  t.true(large.certificate.length > 8192)
  assertRefused(t, running(), await ask('name', large), { ...INVALID_CLIENT, reason: 'jwt-x5c' })
})

test('without a chain a client that is known by certificates proves nothing', async (t) => {
  const { client } = await pki()
  const form = await signAssertion('name', client.privateKeyJwk)
  assertRefused(t, running(), await running().send(tokenRequest({ form })), {
    ...INVALID_CLIENT,
    reason: 'jwt-x5c-missing',
  })
})

test('addresses and keys in the header are not followed, with a chain or without', async (t) => {
  const { client, selfSigned } = await pki()
  const evil = await selfSigned()
  for (const header of [
    { jwk: evil.publicKeyJwk },
    { jku: 'https://127.0.0.1:1/jwks' },
    { x5u: 'https://127.0.0.1:1/x5u' },
  ]) {
    tokenOf(t, await ask('name', client, { header }))
    assertRefused(t, running(), await ask('name', client, { header, signer: evil }), {
      ...INVALID_CLIENT,
      reason: 'jwt-signature',
    })
  }
})

test('a registered key counts whatever chain comes with it, and no chain stands in for it', async (t) => {
  const { client, otherClient, leaf } = await pki()
  tokenOf(t, await ask('key', client, { chain: [otherClient] }))
  assertRefused(t, running(), await ask('key', await leaf()), {
    ...INVALID_CLIENT,
    reason: 'jwt-signature',
  })
})

test('the claims are checked as ever, and an assertion counts once', async (t) => {
  const { client } = await pki()
  assertRefused(t, running(), await ask('name', client, { claims: { iss: 'anchor' } }), {
    ...INVALID_CLIENT,
    reason: 'jwt-iss',
  })
  const claims = { jti: 'once' }
  tokenOf(t, await ask('name', client, { claims }))
  assertRefused(t, running(), await ask('name', client, { claims }), {
    ...INVALID_CLIENT,
    reason: 'jwt-jti-replayed',
  })
})

test('an unknown client, a wrong name and a wrong key get the same answer', async (t) => {
  const { client, leaf, selfSigned } = await pki()
  const answers = [
    await ask('nobody', client),
    await ask('name', await leaf({ subject: 'CN=other' })),
    await ask('name', client, { signer: await selfSigned() }),
    await ask('anchor b', client),
  ]
  const [first] = answers
  for (const { status, text, headers } of answers) {
    t.is(status, 401)
    t.is(text, first?.text ?? '')
    t.is(headers['www-authenticate'], first?.headers['www-authenticate'])
  }
})
