import test from 'ava'
import { decodeJwt } from 'jose'

import { prepareConfiguration } from '../support/prepare-configuration.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import { ISSUER, startSidecar } from '../support/start-sidecar.ts'
import { pki } from '../support/pki.ts'
import {
  assertRefused,
  INVALID_CLIENT,
  INVALID_REQUEST,
  tokenOf,
  tokenRequest,
} from '../support/token-request.ts'
import {
  JWT_BEARER,
  JWT_SPIFFE,
  serviceAccountClaims,
  workloadIssuer,
} from '../support/workload-issuer.ts'
import type { TokenOptions, WorkloadIssuer } from '../support/workload-issuer.ts'

const CLUSTER = 'https://kubernetes.default.svc.cluster.local'
const cluster = workloadIssuer('cluster-1', 'sig', 'RS256')
const domain = workloadIssuer('domain-1', 'jwt-svid')
const SPIFFE = 'spiffe://example.org/shop/billing'

const account = (name: string) => ({
  type: 'KubernetesServiceAccount',
  value: `system:serviceaccount:shop:${name}`,
  issuer: CLUSTER,
})
const SETTINGS = {
  plugins: {
    options: {
      'validators/workload-identity': {
        issuers: [
          { issuer: CLUSTER, jwks: { file: 'cluster.json' }, audience: ISSUER },
          { trustDomain: 'example.org', jwks: { file: 'domain.json' }, audience: ISSUER },
        ],
      },
    },
  },
}
const FILES = { 'cluster.json': cluster.jwks, 'domain.json': domain.jwks }

const running = sharedSidecar(test, async () => {
  const { client } = await pki()
  return {
    settings: SETTINGS,
    files: FILES,
    clients: [
      { clientId: 'orders', clientSecrets: [account('orders')] },
      { clientId: 'billing', clientSecrets: [{ type: 'SpiffeId', value: SPIFFE }] },
      { clientId: 'shared a', clientSecrets: [account('shared')] },
      { clientId: 'shared b', clientSecrets: [account('shared')] },
      {
        clientId: 'keys only',
        clientSecrets: [account('keys')],
        allowedAuthenticationMethods: ['private_key_jwt'],
      },
      {
        clientId: 'signer',
        clientSecrets: [{ type: 'JWK', value: JSON.stringify(client.publicKeyJwk) }],
      },
    ],
  }
})

async function askAs(
  name: string,
  options: TokenOptions = {},
  fields: Readonly<Record<string, string>> = {},
  by: WorkloadIssuer = cluster,
) {
  const claims = serviceAccountClaims(CLUSTER, ISSUER, ['shop', name])
  const form = {
    client_assertion: await by.sign(claims, options),
    client_assertion_type: JWT_BEARER,
    ...fields,
  }
  return running().send(tokenRequest({ form }))
}

async function askBySvid(
  options: TokenOptions = {},
  fields: Readonly<Record<string, string>> = {},
) {
  const form = {
    client_assertion: await domain.sign({ sub: SPIFFE, aud: [ISSUER] }, options),
    client_assertion_type: JWT_SPIFFE,
    ...fields,
  }
  return running().send(tokenRequest({ form }))
}

test('a pod gets the token of its client by its service-account token, without naming the client', async (t) => {
  t.is(decodeJwt(tokenOf(t, await askAs('orders')))['client_id'], 'orders')
  tokenOf(t, await askAs('orders', {}, { client_id: 'orders' }))
})

test('a workload gets the token of its client by its JWT-SVID', async (t) => {
  t.is(decodeJwt(tokenOf(t, await askBySvid()))['client_id'], 'billing')
  tokenOf(t, await askBySvid({}, { client_id: 'billing' }))
})

test('a token may be used again, as Kubernetes means it', async (t) => {
  const options = { claims: { jti: 'the same' } }
  tokenOf(t, await askAs('orders', options))
  tokenOf(t, await askAs('orders', options))
})

for (const [what, name, options, reason] of [
  ['of an account that nobody has', 'nobody', {}, 'client-not-found-by-subject'],
  ['for the API server', 'orders', { claims: { aud: [CLUSTER] } }, 'jwt-aud'],
  ['that has expired', 'orders', { claims: { exp: 1 } }, 'jwt-expired'],
  ['of an account that may not', 'keys', {}, 'method-not-allowed'],
  ['that two clients have', 'shared', {}, 'client-ambiguous'],
] as const) {
  test(`a service-account token is refused ${what}`, async (t) => {
    assertRefused(t, running(), await askAs(name, options), { ...INVALID_CLIENT, reason })
  })
}

test('a service-account token that two clients have counts for the one that is named', async (t) => {
  for (const id of ['shared a', 'shared b']) {
    t.is(decodeJwt(tokenOf(t, await askAs('shared', {}, { client_id: id })))['client_id'], id)
  }
})

test('a token of one workload does not prove the client of another', async (t) => {
  assertRefused(t, running(), await askAs('orders', {}, { client_id: 'shared a' }), {
    ...INVALID_CLIENT,
    reason: 'workload-mismatch',
  })
  for (const id of ['signer', 'nobody']) {
    t.is((await askAs('orders', {}, { client_id: id })).status, 401)
  }
})

test('a token that somebody else signed is refused', async (t) => {
  const stranger = workloadIssuer('cluster-1', 'sig', 'RS256')
  assertRefused(t, running(), await askAs('orders', {}, {}, stranger), {
    ...INVALID_CLIENT,
    reason: 'jwt-signature',
  })
})

test('a client with a key of its own goes on as before beside the issuers', async (t) => {
  const { client } = await pki()
  const form = await signAssertion('signer', client.privateKeyJwk)
  tokenOf(t, await running().send(tokenRequest({ form })))
  const federated = await signAssertion('signer', client.privateKeyJwk, {
    claims: { iss: CLUSTER },
  })
  assertRefused(t, running(), await running().send(tokenRequest({ form: federated })), {
    ...INVALID_CLIENT,
    reason: 'client-not-found-by-subject',
  })
})

test('a JWT-SVID under the other type is none', async (t) => {
  const fields = { client_assertion_type: JWT_BEARER }
  assertRefused(t, running(), await askBySvid({}, fields), {
    ...INVALID_CLIENT,
    reason: 'client-unknown',
  })
})

test('a token beside another credential is refused', async (t) => {
  const form = { client_id: 'orders', client_secret: 'a secret' }
  assertRefused(t, running(), await askAs('orders', {}, form), {
    ...INVALID_REQUEST,
    reason: 'several-credentials',
  })
})

test('discovery lists the methods only where there are issuers', async (t) => {
  const listed = async (at = running()) => {
    const document = (await at.send({ path: '/.well-known/openid-configuration' })).json()
    const methods = document['token_endpoint_auth_methods_supported'] as string[]
    return ['federated_jwt', 'spiffe_jwt'].map((name) => methods.includes(name))
  }
  t.deepEqual(await listed(), [true, true])
  t.deepEqual(await listed(await startSidecar(t)), [false, false])
})

test('check names a workload of an issuer that nobody trusts', async (t) => {
  const clients = [{ clientId: 'orders', clientSecrets: [account('orders')] }]
  const { lines } = await prepareConfiguration(t, { clients })
  t.is(lines.length, 1)
  t.regex(String(lines[0]), /^disabled .*svc\.cluster\.local is not in issuers/)
})
