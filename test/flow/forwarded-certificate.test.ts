import test from 'ava'
import { decodeJwt } from 'jose'

import { secretClient } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import type { Identity } from '../support/pki.ts'
import { basic } from '../support/send.ts'
import type { SendOptions } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { tokenOf, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'
/** Everything else comes from 127.0.0.1. */
const PROXY = '127.0.0.2'
const PLUGIN = 'parsers/forwarded-client-certificate'

const running = sharedSidecar(test, async () => {
  const { selfSignedClient, server } = await pki()
  return {
    settings: {
      listen: { clientCertificates: 'optional' },
      plugins: { options: { [PLUGIN]: { proxies: [PROXY] } } },
      identity: { headers: ['generic', 'rfc9440'] },
      routes: [{ path: '/public', public: true }],
    },
    clients: [
      secretClient('batch', SECRET),
      thumbprintClient('laptop', selfSignedClient),
      thumbprintClient('tablet', await tablet()),
      // Somebody registered the proxy too.
      thumbprintClient('proxy', server),
      nameClient('named', 'CN=client, O=Example'),
    ],
  }
})

let made: Promise<Identity> | undefined
function tablet(): Promise<Identity> {
  return (made ??= pki().then(({ selfSigned }) => selfSigned({ subject: 'CN=tablet' })))
}

function thumbprintClient(clientId: string, { x509 }: Identity) {
  const secret = { type: 'X509Thumbprint', value: x509.fingerprint256, description: clientId }
  return { clientId, clientSecrets: [secret], allowedScopes: ['read'] }
}

function nameClient(clientId: string, value: string) {
  const secret = { type: 'X509Name', value, description: clientId }
  return { clientId, clientSecrets: [secret], allowedScopes: ['read'] }
}

const told = (...identities: readonly Identity[]) => {
  const [leaf, ...chain] = identities.map(({ x509 }) => `:${x509.raw.toString('base64')}:`)
  return {
    'client-cert': leaf ?? '',
    ...(chain.length > 0 && { 'client-cert-chain': chain.join() }),
  }
}

/** What a proxy sends for its client. */
function throughProxy(options: SendOptions, ...identities: readonly Identity[]) {
  const headers = identities.length > 0 ? told(...identities) : {}
  return running().send({
    from: PROXY,
    ...options,
    headers: { ...headers, ...options.headers },
  })
}

const callerOf = (answer: Awaited<ReturnType<typeof throughProxy>>) =>
  running().arrivedOf(answer)[0]?.headers['x-client-id']

test('a certificate that a proxy tells of proves the client, by thumbprint', async (t) => {
  const { selfSignedClient } = await pki()
  const answer = await throughProxy({}, selfSignedClient)
  t.is(answer.status, 200, answer.text)
  t.is(callerOf(answer), 'laptop')
  t.is(
    running().arrivedOf(answer)[0]?.headers['client-cert'],
    `:${selfSignedClient.x509.raw.toString('base64')}:`,
  )
})

test('by its subject name it does with a path to an anchor', async (t) => {
  const { client, intermediateClient, intermediateCa, otherCa } = await pki()
  // The same name from another authority proves nothing.
  const { leaf } = await pki()
  const direct = await throughProxy({}, client)
  t.is(callerOf(direct), 'named', direct.text)
  const below = await throughProxy({}, intermediateClient, intermediateCa)
  t.is(callerOf(below), 'named', below.text)
  const fresh = await leaf({ issuer: intermediateCa })
  for (const chain of [[fresh], [fresh, otherCa]]) {
    const answer = await throughProxy({}, ...chain)
    t.is(answer.status, 401)
    t.is(running().refusalOf(answer)?.['reason'], 'chain-untrusted')
  }
  const alien = await leaf({ issuer: otherCa })
  t.is((await throughProxy({}, alien, otherCa)).status, 401)
})

test('the token endpoint takes it too, and binds the token to it', async (t) => {
  const { selfSignedClient } = await pki()
  const answer = await throughProxy(
    tokenRequest({ form: { client_id: 'laptop' } }),
    selfSignedClient,
  )
  const token = tokenOf(t, answer)
  const digest = Buffer.from(selfSignedClient.x509.fingerprint256.replaceAll(':', ''), 'hex')
  t.like(decodeJwt(token), { cnf: { 'x5t#S256': digest.toString('base64url') } })

  const headers = { authorization: `Bearer ${token}` }
  t.is(callerOf(await throughProxy({ headers }, selfSignedClient)), 'laptop')
  const { cert, key } = selfSignedClient
  t.is(callerOf(await running().send({ headers, cert, key })), 'laptop')
  for (const answers of [
    await throughProxy({ headers }, await tablet()),
    await throughProxy({ headers }),
    await throughProxy({ headers, cert, key }, await tablet()),
    // The proxy's own certificate is not its client's, even if it is the very one.
    await throughProxy({ headers, cert, key }),
    await running().send({ headers: { ...headers, ...told(selfSignedClient) } }),
  ]) {
    t.is(answers.status, 401)
    t.is(running().refusalOf(answers)?.['reason'], 'token-binding')
  }
})

test('the path for certificates counts one that a proxy tells of', async (t) => {
  const { selfSignedClient } = await pki()
  const request = {
    ...tokenRequest({ form: { client_id: 'laptop' } }),
    path: '/connect/mtls/token',
  }
  tokenOf(t, await throughProxy(request, selfSignedClient))
  const without = await throughProxy(request)
  t.is(running().refusalOf(without)?.['reason'], 'cert-missing')
})

test('the certificate of a proxy proves nothing of its client', async (t) => {
  const { server, selfSignedClient } = await pki()
  const { cert, key } = server
  const bare = await throughProxy({ cert, key })
  t.is(bare.status, 401)
  t.is(running().refusalOf(bare)?.['reason'], 'no-credentials')
  t.is(callerOf(await throughProxy({ cert, key }, selfSignedClient)), 'laptop')
  // From elsewhere the same certificate is that of a client.
  t.is(callerOf(await running().send({ cert, key })), 'proxy')
})

test('from anybody else the header is not looked at', async (t) => {
  const { selfSignedClient } = await pki()
  const headers = told(selfSignedClient)
  const alone = await running().send({ headers })
  t.is(alone.status, 401)
  t.is(running().refusalOf(alone)?.['reason'], 'no-credentials')
  const { cert, key } = await tablet()
  for (const value of [headers['client-cert'], 'broken', '']) {
    const answer = await running().send({ headers: { 'client-cert': value }, cert, key })
    t.is(callerOf(answer), 'tablet', answer.text)
  }
})

const NAMES = [
  'Client-Cert',
  'Client-Cert-Chain',
  'X-Forwarded-Client-Cert',
  'X-Forwarded-Tls-Client-Cert',
  'X-Forwarded-Tls-Client-Cert-Info',
  'X-SSL-Client-Cert',
  'X-SSL-Client-Verify',
  'X-SSL-Client-S-DN',
  'SSL-Client-Cert',
  'SSL-Client-Subject-DN',
  'X-Client-Cert',
  'X-Client-Certificate',
  'X-ARR-ClientCert',
  'X-Amzn-Mtls-Clientcert',
  'X-Amzn-Mtls-Clientcert-Leaf',
  'X-Amzn-Mtls-Clientcert-Subject',
]

for (const [how, spell] of [
  ['as it is', (name: string) => name],
  ['in lower case', (name: string) => name.toLowerCase()],
  ['with underscores', (name: string) => name.replaceAll('-', '_')],
  ['with one underscore', (name: string) => name.replace('-', '_')],
  ['with dots', (name: string) => name.replaceAll('-', '.')],
] as const)
  test(`no header that tells of certificates reaches the API, written ${how}`, async (t) => {
    const spoofed = Object.fromEntries(NAMES.map((name) => [spell(name), 'spoofed']))
    for (const [path, from] of [
      ['/orders', '127.0.0.1'],
      ['/public', '127.0.0.1'],
      ['/public', PROXY],
    ] as const) {
      const headers = { ...spoofed, authorization: basic('batch', SECRET), 'x-other': 'mine' }
      const answer = await running().send({ path, from, headers })
      t.is(answer.status, 200, answer.text)
      const [arrived] = running().arrivedOf(answer)
      t.is(arrived?.headers['x-other'], 'mine')
      t.false(JSON.stringify(arrived?.rawHeaders).includes('spoofed'))
    }
  })

test('what a proxy says must make sense, whatever else proves the client', async (t) => {
  const headers = { 'client-cert': 'broken', authorization: basic('batch', SECRET) }
  const answer = await throughProxy({ headers })
  t.is(answer.status, 400)
  t.like(running().refusalOf(answer), {
    reason: 'forwarded-certificate-malformed',
    parser: PLUGIN,
  })
  const token = await throughProxy(tokenRequest({ headers: { 'client-cert': 'broken' } }))
  t.is(token.status, 400)
  t.is(running().refusalOf(token)?.['reason'], 'forwarded-certificate-malformed')
  t.is((await throughProxy({ path: '/public', headers: { 'client-cert': 'broken' } })).status, 200)
})

test('twice the header is not a certificate', async (t) => {
  const { selfSignedClient } = await pki()
  const value = told(selfSignedClient)['client-cert']
  const answer = await throughProxy({ headers: { 'client-cert': [value, value] } })
  t.is(running().refusalOf(answer)?.['reason'], 'forwarded-certificate-malformed')
})

test('an explicit proof counts before the certificate', async (t) => {
  const { selfSignedClient } = await pki()
  const headers = { authorization: basic('batch', SECRET) }
  const answer = await throughProxy({ headers }, selfSignedClient)
  t.is(callerOf(answer), 'batch')
  t.is(running().arrivedOf(answer)[0]?.headers['client-cert'], undefined)
})

test('a listener that asks for no certificate takes them from a proxy, and says so', async (t) => {
  const { selfSignedClient } = await pki()
  const settings = {
    listen: { clientCertificates: 'none' },
    plugins: { options: { [PLUGIN]: { proxies: [PROXY], format: 'der' } } },
  }
  const sidecar = await startSidecar(t, {
    settings,
    clients: [thumbprintClient('laptop', selfSignedClient)],
  })
  const value = selfSignedClient.x509.raw.toString('base64')
  const headers = { 'x-forwarded-tls-client-cert': value }
  const answer = await sidecar.send({ from: PROXY, headers })
  t.is(answer.status, 200, answer.text)
  t.is(sidecar.arrivedOf(answer)[0]?.headers['x-forwarded-tls-client-cert'], undefined)
  const discovery = await sidecar.send({ path: '/.well-known/openid-configuration' })
  const methods = discovery.json()['token_endpoint_auth_methods_supported']
  t.true(Array.isArray(methods) && methods.includes('self_signed_tls_client_auth'))
})

test('without options the header is nothing, wherever it comes from', async (t) => {
  const { selfSignedClient } = await pki()
  const clients = [thumbprintClient('laptop', selfSignedClient)]
  const sidecar = await startSidecar(t, { clients })
  const answer = await sidecar.send({ headers: told(selfSignedClient) })
  t.is(answer.status, 401)
})
