import test from 'ava'
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { JSONWebKeySet } from 'jose'

import { secretClient } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { basic } from '../support/send.ts'
import { sendRaw } from '../support/send-raw.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { ISSUER } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'

const SECRET = 'a generated secret'
const AUTHORIZATION = basic('batch', SECRET)
const ROUTES = [{ path: '/public', public: true }]

async function clients() {
  const { selfSignedClient } = await pki()
  const secret = { type: 'X509Thumbprint', value: selfSignedClient.x509.fingerprint256 }
  return [
    secretClient('batch', SECRET),
    { clientId: 'laptop', clientSecrets: [secret], allowedScopes: ['read'] },
  ]
}

/** All sets speak. */
const speaking = sharedSidecar(test, async () => ({
  settings: {
    identity: {
      headers: ['generic', 'jwt', 'kong', 'kubernetes', 'oauth2-proxy', 'rfc9440', 'xfcc'],
    },
    plugins: {
      options: {
        'identity-headers/kubernetes': { groups: ['clients'], scopeGroupPrefix: 'scope:' },
      },
    },
    routes: ROUTES,
  },
  clients: await clients(),
}))

/** None but one does; the names are kept from clients all the same. */
const silent = sharedSidecar(test, async () => ({
  settings: { routes: ROUTES },
  clients: await clients(),
}))

test('several sets speak of one caller', async (t) => {
  const answer = await speaking().send({ path: '/', headers: { authorization: AUTHORIZATION } })
  t.is(answer.status, 200, answer.text)
  const [arrived] = speaking().arrivedOf(answer)
  t.like(arrived?.headers, {
    'x-client-id': 'batch',
    'x-consumer-username': 'batch',
    'x-authenticated-scope': 'read write',
    'x-remote-user': 'batch',
    'x-forwarded-user': 'batch',
    'x-forwarded-groups': 'read,write',
    'x-auth-request-groups': 'read,write',
  })
  t.deepEqual(linesOf('x-remote-group', arrived?.rawHeaders), [
    'clients',
    'scope:read',
    'scope:write',
  ])
  t.deepEqual(linesOf('x-remote-extra-scope', arrived?.rawHeaders), ['read', 'write'])
  for (const name of ['client-cert', 'x-forwarded-client-cert'])
    t.is(arrived?.headers[name], undefined)
})

test('a certificate is told in the words of each set', async (t) => {
  const { selfSignedClient } = await pki()
  const { cert, key, x509 } = selfSignedClient
  const answer = await speaking().send({ cert, key })
  t.is(answer.status, 200, answer.text)
  const hash = x509.fingerprint256.replaceAll(':', '')
  t.like(speaking().arrivedOf(answer)[0]?.headers, {
    'client-cert': `:${x509.raw.toString('base64')}:`,
    'x-forwarded-client-cert': `Hash=${hash.toLowerCase()};Subject="CN=self-signed client,O=Example"`,
    'x-client-certificate-thumbprint': hash,
  })
})

test('the assertion can be checked with the published keys, by anybody', async (t) => {
  const path = '/orders/1?page=2'
  const headers = { authorization: AUTHORIZATION }
  const answer = await speaking().send({ method: 'DELETE', path, headers })
  const assertion = String(speaking().arrivedOf(answer)[0]?.headers['x-vouchgate-assertion'])
  const jwks = await speaking().send({ path: '/.well-known/openid-configuration/jwks' })
  const upstream = `http://127.0.0.1:${speaking().upstream.port}`
  const { payload, protectedHeader } = await jwtVerify(
    assertion,
    createLocalJWKSet(jwks.json<JSONWebKeySet>()),
    { issuer: ISSUER, audience: upstream, subject: 'batch', typ: 'vouchgate-assertion+jwt' },
  )
  t.is(protectedHeader.alg, 'ES256')
  t.like(payload, {
    scope: 'read write',
    htm: 'DELETE',
    htp: '/orders/1',
    jti: answer.headers['x-request-id'] as string,
  })
})

test('the assertion is no access token of ours', async (t) => {
  const answer = await speaking().send({ path: '/', headers: { authorization: AUTHORIZATION } })
  const assertion = String(speaking().arrivedOf(answer)[0]?.headers['x-vouchgate-assertion'])
  const again = await speaking().send({ headers: { authorization: `Bearer ${assertion}` } })
  t.is(again.status, 401)
  t.is(speaking().refusalOf(again)?.['reason'], 'jwt-type')
})

/** Every name of every set; where a set owns all that begins so, some that do. */
const NAMES = [
  ['X-Client-Id', 'X-Client-Name', 'X-Client-Scopes', 'X-Client-Auth-Method'],
  ['X-Client-Certificate-Thumbprint', 'X-Request-Id', 'X-Vouchgate-Assertion'],
  ['Client-Cert', 'Client-Cert-Chain', 'X-Forwarded-Client-Cert'],
  ['X-Forwarded-User', 'X-Forwarded-Email', 'X-Forwarded-Groups', 'X-Forwarded-Access-Token'],
  ['X-Forwarded-Preferred-Username', 'GAP-Auth', 'X-Auth-Request-User', 'X-Auth-Request-Email'],
  ['X-Auth-Request-Groups', 'X-Auth-Request-Preferred-Username', 'X-Auth-Request-Redirect'],
  ['X-Auth-Request-Access-Token', 'X-Auth-Request-Anything-Else'],
  ['X-Remote-User', 'X-Remote-Uid', 'X-Remote-Group', 'X-Remote-Groups', 'X-Remote-Extra-Scope'],
  ['X-Remote-Extra-Anything', 'X-Consumer-ID', 'X-Consumer-Username', 'X-Consumer-Custom-ID'],
  ['X-Consumer-Groups', 'X-Credential-Identifier', 'X-Credential-Username'],
  ['X-Authenticated-Scope', 'X-Authenticated-UserId', 'X-Authenticated-Groups'],
  ['X-Anonymous-Consumer'],
].flat()

const SPELLINGS: Readonly<Record<string, (name: string) => string>> = {
  'as it is': (name) => name,
  'in lower case': (name) => name.toLowerCase(),
  'in capitals': (name) => name.toUpperCase(),
  'with underscores': (name) => name.replaceAll('-', '_'),
  'with one underscore': (name) => name.replace('-', '_'),
  'with the last an underscore': (name) => name.replace(/-(?!.*-)/, '_'),
  'with dots': (name) => name.replaceAll('-', '.'),
  'with tildes': (name) => name.replaceAll('-', '~'),
  'with plus signs in capitals': (name) => name.toUpperCase().replaceAll('-', '+'),
}

for (const [who, running] of [
  ['all sets speak', speaking],
  ['one set speaks', silent],
] as const)
  for (const path of ['/orders', '/public'])
    for (const [how, spell] of Object.entries(SPELLINGS))
      test(`where ${who} nobody else does on ${path}, names written ${how}`, async (t) => {
        const spoofed = Object.fromEntries(NAMES.map((name) => [spell(name), 'spoofed']))
        const headers = { ...spoofed, authorization: AUTHORIZATION, 'x-other': 'mine' }
        const answer = await running().send({ path, headers })
        t.is(answer.status, 200, answer.text)
        const [arrived] = running().arrivedOf(answer)
        t.is(arrived?.headers['x-other'], 'mine')
        t.false(JSON.stringify(arrived?.rawHeaders).includes('spoofed'))
        t.is(arrived?.headers['x-client-id'], path === '/public' ? undefined : 'batch')
        t.is(arrived?.headers['x-remote-user'], expected(running, path))
      })

function expected(running: () => Running, path: string): string | undefined {
  return running === speaking && path !== '/public' ? 'batch' : undefined
}

test('names that come twice, in Connection or in the trailers are nobody else’s either', async (t) => {
  for (const name of NAMES.filter((one) => one !== 'X-Request-Id')) {
    const request = (lines: string) =>
      `POST /orders?${name} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${AUTHORIZATION}\r\n${lines}`
    const send = (text: string) => sendRaw(speaking().port, speaking().pki.rootCa.pem, text)
    const named = await send(request(`Connection: close, ${name}\r\nContent-Length: 0\r\n\r\n`))
    t.regex(named, /^HTTP\/1\.1 400 /, name)
    const twice = await send(
      request(
        `${name}: spoofed\r\n${name.toLowerCase()}: spoofed\r\nConnection: close\r\n` +
          `Transfer-Encoding: chunked\r\nTrailer: ${name}\r\n\r\n0\r\n${name}: spoofed\r\n\r\n`,
      ),
    )
    t.regex(twice, /^HTTP\/1\.1 200 /, name)
    const arrived = speaking().upstream.arrived.find(({ url }) => url === `/orders?${name}`)
    t.not(arrived, undefined)
    t.false(JSON.stringify(arrived).includes('spoofed'), name)
  }
})

function linesOf(name: string, rawHeaders: readonly string[] = []): readonly string[] {
  return rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  )
}
