import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { basic } from '../support/send.ts'
import type { Received, SendOptions } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import { tokenRequest } from '../support/token-request.ts'

const SECRET = 'the secret of everybody'

/** Written as a user would: a file in a mounted folder, without a build or an import of ours. */
const KEY_PARSER = `
export default {
  contract: 1,
  setup: () => ({
    method: 'x_key',
    produces: 'x_key',
    parse({ headers, form }) {
      const key = headers['x-key']
      return key ? { kind: 'x_key', claimedClientId: form.get('client_id'), key } : undefined
    },
  }),
}
`
const KEY_VALIDATOR = `
import type { Validator, ValidatorPlugin } from '#contract'

declare module '#contract' {
  interface CredentialKinds { x_key: { readonly key: string } }
}

export default {
  contract: 1,
  setup: (_, { log }): Validator<'x_key'> => ({
    accepts: 'x_key',
    secretTypes: ['XKey'],
    decoys: [{ type: 'XKey', value: 'nobody has it', description: 'decoy', properties: {} }],
    validate({ credential, client, secrets }) {
      log.info(\`asked for "\${client.clientId}" with \${secrets.map((one) => one.description)}\`)
      const secret = secrets.find(({ value }) => value === credential.key)
      return secret ? { ok: true, secret } : { ok: false, reason: 'key-mismatch' }
    },
  }),
} satisfies ValidatorPlugin
`

const running = sharedSidecar(test, async () => {
  const { selfSignedClient } = await pki()
  const xKey = [{ type: 'XKey', value: 'right', description: 'registered' }]
  return {
    settings: { plugins: ['mounted'] },
    files: {
      'mounted/parsers/x-key.js': KEY_PARSER,
      'mounted/validators/x-key.ts': KEY_VALIDATOR,
    },
    clients: [
      secretClient('known', SECRET),
      secretClient('either', SECRET, { basicDecoding: 'either' }),
      secretClient('disabled', SECRET, { enabled: false }),
      secretClient('restricted', SECRET, { allowedAuthenticationMethods: ['private_key_jwt'] }),
      {
        clientId: 'certificate',
        clientSecrets: [{ type: 'X509Thumbprint', value: selfSignedClient.x509.fingerprint256 }],
      },
      { clientId: 'name', clientSecrets: [{ type: 'X509Name', value: 'CN=client, O=Example' }] },
      {
        clientId: 'signer',
        clientSecrets: [{ type: 'JWK', value: JSON.stringify(selfSignedClient.publicKeyJwk) }],
      },
      { clientId: 'x-key', clientSecrets: xKey },
      { clientId: 'x-key disabled', clientSecrets: xKey, enabled: false },
    ],
  }
})

/** All of an answer that could tell two clients apart. */
function visible({ status, headers, text }: Received) {
  const { date: _, 'x-request-id': __, ...same } = headers
  return { status, headers: same, text }
}

async function withCertificate(id: string) {
  const { cert, key } = (await pki()).otherClient
  return { form: { client_id: id }, cert, key }
}

const WAYS_IN: readonly (readonly [
  string,
  readonly string[],
  (id: string) => SendOptions | Promise<SendOptions>,
])[] = [
  [
    'a secret in a Basic header',
    ['known', 'either', 'certificate'],
    (id) => ({ headers: { authorization: basic(id, 'a wrong+secret') } }),
  ],
  [
    'the right secret in a Basic header',
    ['disabled', 'restricted'],
    (id) => ({ headers: { authorization: basic(id, SECRET) } }),
  ],
  [
    'a secret in the body',
    ['known', 'disabled', 'signer'],
    (id) => ({ form: { client_id: id, client_secret: 'a wrong secret' } }),
  ],
  ['a certificate', ['certificate', 'name', 'known'], withCertificate],
  [
    'an assertion',
    ['signer', 'known'],
    async (id) => ({ form: await signAssertion(id, (await pki()).client.privateKeyJwk) }),
  ],
  ['nothing', ['known', 'certificate'], (id) => ({ form: { client_id: id } })],
]

for (const [what, known, request] of WAYS_IN) {
  test(`with ${what} an unknown client is told what a known one is told, byte for byte`, async (t) => {
    const unknown = await running().send(tokenRequest(await request('nobody')))
    t.is(unknown.status, 401)
    t.is(unknown.headers['www-authenticate'], 'Basic realm="vouchgate"')
    t.is(
      unknown.text,
      '{"error":"invalid_client","error_description":"Client authentication failed."}',
    )
    for (const id of known) {
      const answer = await running().send(tokenRequest(await request(id)))
      t.deepEqual(visible(answer), visible(unknown), id)
    }
  })
}

test('on the API too an unknown client is told what a known one is told', async (t) => {
  const ask = (id: string, secret: string) =>
    running().send({ path: '/orders', headers: { authorization: basic(id, secret) } })
  const unknown = await ask('nobody', SECRET)
  t.is(unknown.status, 401)
  for (const [id, secret] of [
    ['known', 'wrong'],
    ['disabled', SECRET],
    ['restricted', SECRET],
    ['certificate', SECRET],
  ] as const) {
    t.deepEqual(visible(await ask(id, secret)), visible(unknown), id)
  }
  t.deepEqual(running().arrivedOf(unknown), [])
})

test('the validator does its work for an unknown client too, against a decoy that proves nothing', async (t) => {
  const ask = (id: string, key: string) =>
    running().send(tokenRequest({ headers: { 'x-key': key }, form: { client_id: id } }))
  t.is((await ask('x-key', 'right')).status, 200)
  t.is((await ask('x-key', 'wrong')).status, 401)
  t.is((await ask('known', 'nobody has it')).status, 401)
  t.is((await ask('nobody', 'nobody has it')).status, 401)
  t.is((await ask('x-key disabled', 'right')).status, 401)
  const said = running().log.filter(({ event }) => event === 'plugin.says')
  t.deepEqual(
    said.map((line) => line['message']),
    [
      'asked for "x-key" with registered',
      'asked for "x-key" with registered',
      'asked for "known" with decoy',
      'asked for "" with decoy',
      'asked for "x-key disabled" with registered',
    ],
  )
})
