import test from 'ava'
import * as oauth from 'oauth4webapi'

import { fetchFrom } from '../support/fetch-from.ts'
import { prepareConfiguration } from '../support/prepare-configuration.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import type { AssertionOptions } from '../support/sign-assertion.ts'
import { ISSUER, startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'
import { assertRefused, INVALID_CLIENT, tokenOf, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a shared secret of more than 64 bytes, as HS512 wants, kept in the environment'
const OTHER = 'another shared secret of more than 32 bytes'
const ENABLED = { plugins: { options: { 'validators/client-secret-jwt': { enabled: true } } } }
const FILES = { 'secret.txt': `${SECRET}\n` }
const ENV = { SHARED: SECRET, OTHER }

const plain = (value: unknown) => ({ type: 'SharedSecretPlain', value, description: 'shared' })
const CLIENTS = [
  { clientId: 'by-env', clientSecrets: [plain({ env: 'SHARED' })] },
  { clientId: 'by-file', clientSecrets: [plain({ file: 'secret.txt' })] },
  {
    clientId: 'keys only',
    clientSecrets: [plain({ env: 'SHARED' })],
    allowedAuthenticationMethods: ['private_key_jwt'],
  },
]

const running = sharedSidecar(test, {
  settings: ENABLED,
  clients: CLIENTS,
  files: FILES,
  env: ENV,
})

async function ask(
  clientId: string,
  secret = SECRET,
  options: AssertionOptions = {},
  at: Running = running(),
) {
  const k = Buffer.from(secret).toString('base64url')
  const header = { alg: 'HS256', ...options.header }
  const form = await signAssertion(clientId, { kty: 'oct', k }, { ...options, header })
  return at.send(tokenRequest({ form }))
}

for (const alg of ['HS256', 'HS384', 'HS512']) {
  test(`a client is known by an assertion with its secret and ${alg}`, async (t) => {
    tokenOf(t, await ask('by-env', SECRET, { header: { alg } }))
    tokenOf(t, await ask('by-file', SECRET, { header: { alg } }))
  })
}

for (const [what, secret, options, reason] of [
  ['another secret', OTHER, {}, 'jwt-mac-mismatch'],
  ['another audience', SECRET, { claims: { aud: 'https://b.test' } }, 'jwt-aud'],
  ['another issuer', SECRET, { claims: { iss: 'by-file' } }, 'jwt-iss'],
] as const) {
  test(`an assertion with ${what} is refused`, async (t) => {
    assertRefused(t, running(), await ask('by-env', secret, options), {
      ...INVALID_CLIENT,
      reason,
    })
  })
}

test('an assertion counts once', async (t) => {
  const options = { claims: { jti: 'only-once' } }
  tokenOf(t, await ask('by-env', SECRET, options))
  assertRefused(t, running(), await ask('by-env', SECRET, options), {
    ...INVALID_CLIENT,
    reason: 'jwt-jti-replayed',
  })
})

test('a client can rule the method out', async (t) => {
  assertRefused(t, running(), await ask('keys only'), {
    ...INVALID_CLIENT,
    reason: 'method-not-allowed',
    line: { got: 'client_secret_jwt' },
  })
})

test('discovery lists the method and its algorithms only where it is on', async (t) => {
  const listed = async (at: Running) => {
    const document = (await at.send({ path: '/.well-known/openid-configuration' })).json()
    return [
      (document['token_endpoint_auth_methods_supported'] as string[]).includes('client_secret_jwt'),
      (document['token_endpoint_auth_signing_alg_values_supported'] as string[]).includes('HS256'),
    ]
  }
  t.deepEqual(await listed(running()), [true, true])
  t.deepEqual(await listed(await startSidecar(t)), [false, false])
})

test('where it is off the secret counts for nothing, and check says why', async (t) => {
  const options = { clients: CLIENTS.slice(0, 1), env: ENV }
  const at = await startSidecar(t, options)
  assertRefused(t, at, await ask('by-env', SECRET, {}, at), {
    ...INVALID_CLIENT,
    reason: 'secret-none',
  })
  const { lines } = await prepareConfiguration(t, options)
  t.regex(
    lines.join('\n'),
    /^disabled .*client "by-env", secret "shared": client_secret_jwt is off/,
  )
})

test('a secret in the file of definitions is not taken, its neighbours are', async (t) => {
  const clientSecrets = [plain(SECRET), plain({ env: 'SHARED' })]
  const clients = [{ clientId: 'by-env', clientSecrets }]
  const { prepared, lines } = await prepareConfiguration(t, {
    settings: ENABLED,
    clients,
    env: ENV,
  })
  t.is(lines.length, 1)
  t.regex(String(lines[0]), /it must be kept elsewhere/)
  t.false(lines.join().includes(SECRET))
  t.is(prepared?.clients[0]?.clientSecrets.length, 1)
})

test('oauth4webapi gets a token by client_secret_jwt', async (t) => {
  const options = { [oauth.customFetch]: fetchFrom(t, running()) }
  const issuer = new URL(ISSUER)
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, options),
  )
  const client: oauth.Client = { client_id: 'by-env' }
  const auth = oauth.ClientSecretJwt(SECRET)
  const answer = await oauth.clientCredentialsGrantRequest(server, client, auth, {}, options)
  const { access_token: token } = await oauth.processClientCredentialsResponse(
    server,
    client,
    answer,
  )
  t.true(token.length > 100)
})
