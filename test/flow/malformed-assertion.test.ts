import test from 'ava'

import { pki } from '../support/pki.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { ASSERTION_TYPE, signAssertion } from '../support/sign-assertion.ts'
import {
  assertRefused,
  INVALID_CLIENT,
  INVALID_REQUEST,
  tokenRequest,
} from '../support/token-request.ts'

const running = sharedSidecar(test, async () => {
  const value = JSON.stringify((await pki()).client.publicKeyJwk)
  return { clients: [{ clientId: 'signer', clientSecrets: [{ type: 'JWK', value }] }] }
})

/** A good assertion under another type. */
async function typed(type: string) {
  const form = await signAssertion('signer', (await pki()).client.privateKeyJwk)
  return running().send(tokenRequest({ form: { ...form, client_assertion_type: type } }))
}

/** An assertion of `signer` with other text in its parts, the signature left as it was. */
async function altered(change: (parts: string[]) => readonly string[]) {
  const form = await signAssertion('signer', (await pki()).client.privateKeyJwk)
  const assertion = change(form.client_assertion.split('.')).join('.')
  return running().send(tokenRequest({ form: { ...form, client_assertion: assertion } }))
}

const encoded = (text: string) => Buffer.from(text).toString('base64url')
const decoded = (text = '') => Buffer.from(text, 'base64url').toString()

const ALTERATIONS: readonly (readonly [
  string,
  (parts: string[]) => readonly string[],
  { status: number; error: string; reason: string },
])[] = [
  [
    'with another payload',
    ([head = '', body = '', sign = '']) => [
      head,
      encoded(decoded(body).replace('{', '{"a":1,')),
      sign,
    ],
    { ...INVALID_CLIENT, reason: 'jwt-signature' },
  ],
  [
    'with alg none and no signature',
    ([, body = '']) => [encoded('{"alg":"none"}'), body, ''],
    { ...INVALID_REQUEST, reason: 'jwt-malformed' },
  ],
  [
    'with alg none and a signature',
    ([, body = '', sign = '']) => [encoded('{"alg":"none"}'), body, sign],
    { ...INVALID_CLIENT, reason: 'jwt-alg-not-allowed' },
  ],
  [
    'signed with the public key as secret',
    ([, body = '', sign = '']) => [encoded('{"alg":"HS256"}'), body, sign],
    { ...INVALID_CLIENT, reason: 'jwt-alg-not-allowed' },
  ],
  [
    'with a critical extension',
    ([, body = '', sign = '']) => [encoded('{"alg":"ES256","crit":["x"],"x":1}'), body, sign],
    { ...INVALID_CLIENT, reason: 'jwt-crit' },
  ],
  [
    'with a member that occurs twice',
    ([head = '', body = '', sign = '']) => [
      head,
      encoded(decoded(body).replace('{', '{"sub":"other",')),
      sign,
    ],
    { ...INVALID_REQUEST, reason: 'jwt-malformed' },
  ],
  [
    'with a header that is an array',
    ([, body = '', sign = '']) => [encoded('["ES256"]'), body, sign],
    { ...INVALID_REQUEST, reason: 'jwt-malformed' },
  ],
  ['that is one word', () => ['malformed'], { ...INVALID_REQUEST, reason: 'jwt-malformed' }],
  [
    'of five parts',
    (parts) => [...parts, 'a', 'b'],
    { ...INVALID_REQUEST, reason: 'jwt-malformed' },
  ],
  [
    'over the limit',
    ([head = '', , sign = '']) => [head, 'x'.repeat(51_200), sign],
    { ...INVALID_REQUEST, reason: 'jwt-too-long' },
  ],
]

for (const [what, change, expected] of ALTERATIONS) {
  test(`an assertion ${what} is refused`, async (t) => {
    assertRefused(t, running(), await altered(change), expected)
  })
}

test('a signature in DER form is refused', async (t) => {
  const answer = await altered(([head = '', body = '', sign = '']) => {
    const raw = Buffer.from(sign, 'base64url')
    const integer = (bytes: Buffer) => Buffer.concat([Buffer.from([2, 33, 0]), bytes])
    const pair = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))])
    const der = Buffer.concat([Buffer.from([0x30, pair.length]), pair])
    return [head, body, der.toString('base64url')]
  })
  assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'jwt-signature' })
})

for (const [what, type, reason] of [
  [
    'the name of the grant',
    ASSERTION_TYPE.replace('client-assertion', 'grant'),
    'assertion-type-wrong',
  ],
  ['no URN', 'jwt-bearer', 'assertion-type-wrong'],
  ['nothing', '', 'assertion-type-missing'],
] as const) {
  test(`an assertion whose type is ${what} is refused`, async (t) => {
    const answer = await typed(type)
    assertRefused(t, running(), answer, { ...INVALID_REQUEST, reason })
  })
}

test('an assertion of a type that nobody here reads is refused', async (t) => {
  const answer = await typed('urn:ietf:params:oauth:client-assertion-type:saml2-bearer')
  assertRefused(t, running(), answer, { ...INVALID_REQUEST, reason: 'credential-unread' })
})

test('a type without an assertion is refused', async (t) => {
  const form = { client_assertion_type: ASSERTION_TYPE }
  const answer = await running().send(tokenRequest({ form }))
  assertRefused(t, running(), answer, { ...INVALID_REQUEST, reason: 'assertion-missing' })
})
