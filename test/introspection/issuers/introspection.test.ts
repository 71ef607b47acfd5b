import { hash, X509Certificate } from 'node:crypto'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import test from 'ava'
import { exportPKCS8, generateKeyPair, jwtVerify } from 'jose'

import { IssuerUnavailableError } from '../../../src/errors.ts'
import { byPath, issuerServer, json, text } from '../../support/issuer-server.ts'
import type { Reply } from '../../support/issuer-server.ts'
import { pki } from '../../support/pki.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { openIssuer } from './open.ts'

const NOW = new Date('2026-01-01T12:00:00Z')
const SECONDS = NOW.getTime() / 1000
const ACTIVE = { active: true, client_id: 'remote', scope: 'read write', exp: SECONDS + 600 }
const DISCOVERY = '/.well-known/openid-configuration'

test('an active token is who it is said to be', async (t) => {
  const server = await issuerServer(t)
  server.reply = json({ ...ACTIVE, iss: server.url, aud: ['api'], cnf: { 'x5t#S256': 'x' } })
  const { introspect } = await openIssuer(t, server.url, {
    introspection: { url: `${server.url}/introspect` },
  })
  t.deepEqual(await introspect('token', NOW), {
    active: true,
    issuer: server.url,
    clientId: 'remote',
    scopes: ['read', 'write'],
    audience: ['api'],
    expiresAt: new Date(NOW.getTime() + 600_000),
    confirmation: { 'x5t#S256': 'x' },
  })
  t.is(server.asked[0]?.path, '/introspect')
  t.is(server.asked[0]?.headers['accept'], 'application/json')
  t.deepEqual(Object.fromEntries(server.asked[0]?.form ?? []), {
    token: 'token',
    token_type_hint: 'access_token',
  })
})

test('an inactive token is inactive', async (t) => {
  const server = await issuerServer(t)
  const { introspect } = await openIssuer(t, server.url, { introspection: { url: server.url } })
  server.reply = json({ active: false })
  t.like(await introspect('token', NOW), { active: false, refusal: { reason: 'token-inactive' } })
  server.reply = json({ ...ACTIVE, active: false })
  t.like(await introspect('token', NOW), { active: false })
})

/** A clear answer that nevertheless lets nobody in. */
const refusals: Readonly<Record<string, readonly [Readonly<Record<string, unknown>>, string]>> = {
  'of another issuer': [{ iss: 'https://another.example' }, 'token-iss'],
  'that has ended': [{ exp: SECONDS - 61 }, 'token-expired'],
  'whose end is no number': [{ exp: '2030' }, 'token-malformed'],
  'that is not valid yet': [{ nbf: SECONDS + 61 }, 'jwt-not-yet-valid'],
  'without a client': [{ client_id: undefined }, 'token-client-missing'],
  'of a client that is no text': [{ client_id: ['remote'] }, 'token-client-missing'],
  'of a client with a line break': [{ client_id: 'a\r\nX-Client-Id: b' }, 'token-client-missing'],
  'bound to something that is no key': [{ cnf: 'x' }, 'token-binding-unreadable'],
  'bound in an unknown way': [{ cnf: { 'x5t#S256': 'x', other: 'y' } }, 'token-binding-unreadable'],
  'bound to nothing': [{ cnf: {} }, 'token-binding-unreadable'],
  'that is a refresh token': [{ token_type: 'refresh_token' }, 'token-type'],
  'that is used as a refresh token': [{ token_use: 'refresh_token' }, 'token-type'],
  'for DPoP without a key': [{ token_type: 'DPoP' }, 'token-type'],
}

for (const [title, [claims, reason]] of Object.entries(refusals)) {
  test(`a token ${title} is refused`, async (t) => {
    const server = await issuerServer(t)
    server.reply = json({ ...ACTIVE, ...claims })
    const { introspect } = await openIssuer(t, server.url, { introspection: { url: server.url } })
    t.like(await introspect('token', NOW), { active: false, refusal: { reason } })
  })
}

test('the clock of the issuer may be off by as much as is configured', async (t) => {
  const server = await issuerServer(t)
  const { introspect } = await openIssuer(t, server.url, { introspection: { url: server.url } })
  for (const claims of [{ exp: SECONDS - 59 }, { nbf: SECONDS + 60 }, { token_type: 'Bearer' }]) {
    server.reply = json({ ...ACTIVE, ...claims })
    t.like(await introspect('token', NOW), { active: true })
  }
})

test('other claims can name the client and the scopes, and no scope becomes two', async (t) => {
  const server = await issuerServer(t)
  server.reply = json({ active: true, azp: 'remote', scp: ['read', 'a b', 'c"d', '', 7, 'write'] })
  const { introspect } = await openIssuer(t, server.url, {
    introspection: { url: server.url },
    clientIdClaim: 'azp',
    scopeClaim: 'scp',
  })
  const found = await introspect('token', NOW)
  t.like(found, { active: true, clientId: 'remote', scopes: ['read', 'write'] })
  t.false('expiresAt' in found)
})

const HUGE = 10 * 1024 * 1024

/** What is no clear answer. */
const lies: Readonly<Record<string, Reply>> = {
  'a redirect': (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
  'a permanent redirect': (response) => response.writeHead(308, { location: '/elsewhere' }).end(),
  'status 500': json(ACTIVE, 500),
  'status 502': json(ACTIVE, 502),
  'status 503': json(ACTIVE, 503),
  'status 429': json(ACTIVE, 429),
  'status 401': json({ error: 'invalid_client' }, 401),
  'status 404': json(ACTIVE, 404),
  'status 400': json(ACTIVE, 400),
  'status 204': (response) => response.writeHead(204).end(),
  'status 201': json(ACTIVE, 201),
  HTML: text('<html>sign in</html>', 'text/html'),
  'JSON said to be HTML': text(JSON.stringify(ACTIVE), 'text/html'),
  'JSON without a type': (response) => response.end(JSON.stringify(ACTIVE)),
  'an empty body': text(''),
  'JSON cut off': text('{"active":true,"client_id":"rem'),
  'more after the JSON': text(`${JSON.stringify(ACTIVE)}{}`),
  'a comment in the JSON': text(`/* */${JSON.stringify(ACTIVE)}`),
  'active said twice': text('{"active":false,"client_id":"remote","active":true}'),
  'active said twice, once escaped': text(
    '{"active":false,"client_id":"remote","\\u0061ctive":true}',
  ),
  'cnf said twice inside': text('{"active":true,"client_id":"remote","cnf":{"jkt":"a","jkt":"b"}}'),
  'active as text': json({ ...ACTIVE, active: 'true' }),
  'active as a number': json({ ...ACTIVE, active: 1 }),
  'active as null': json({ ...ACTIVE, active: null }),
  'nothing of active': json({ client_id: 'remote' }),
  'a list': json([ACTIVE]),
  null: json(null),
  'the bare word true': json(true),
  'a hundred thousand brackets': text('['.repeat(60_000)),
  'no UTF-8': (response) =>
    response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(
        Buffer.concat([
          Buffer.from('{"active":true,"client_id":"'),
          Buffer.from([0xff, 0x22, 0x7d]),
        ]),
      ),
  'ten megabytes': text(`{"active":true,"client_id":"remote","x":"${'x'.repeat(HUGE)}"}`),
  'compressed JSON': (response) =>
    response
      .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
      .end(Buffer.from([0x1f, 0x8b, 0x08, 0x00])),
  'a body shorter than said': (response) => {
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' })
    response.write(JSON.stringify(ACTIVE))
    setTimeout(() => response.destroy(), 20)
  },
  'a connection reset': (response) => response.destroy(),
  'no answer': () => undefined,
  'a byte now and then': async (response) => {
    response.writeHead(200, { 'content-type': 'application/json' })
    for (const byte of JSON.stringify(ACTIVE)) {
      if (response.destroyed) return
      response.write(byte)
      await delay(50)
    }
    response.end()
  },
}

const SLOW = new Set(['no answer', 'a byte now and then'])

for (const [title, lie] of Object.entries(lies)) {
  test(`${title} is no answer: nobody is let in, and nobody is told that the token is bad`, async (t) => {
    const server = await issuerServer(t)
    server.reply = byPath({ '/': lie, '/elsewhere': json(ACTIVE) })
    const { introspect, calls } = await openIssuer(t, server.url, {
      introspection: { url: server.url },
      ...(SLOW.has(title) && { timeout: '400ms' }),
    })
    await t.throwsAsync(introspect('token', NOW), { instanceOf: IssuerUnavailableError })
    t.false(server.asked.some((one) => one.path !== '/'))
    t.is(calls.length, 1)
  })
}

test('a server that is not there is no answer', async (t) => {
  const { introspect } = await openIssuer(t, 'http://localhost:1', {
    introspection: { url: 'http://localhost:1' },
  })
  const error = await t.throwsAsync(introspect('token', NOW))
  t.regex(error?.message ?? '', /^localhost:1: .*ECONNREFUSED/)
})

test('one who does not answer is soon not asked, and asked one at a time until it does', async (t) => {
  const server = await issuerServer(t)
  server.reply = json({}, 500)
  const issuer = await openIssuer(t, server.url, { introspection: { url: server.url } })
  const fails = () => t.throwsAsync(issuer.introspect('token', NOW))
  for (let count = 0; count < 20; count++) await fails()
  t.is(server.asked.length, 5)
  t.deepEqual(issuer.changes, [`unavailable: ${new URL(server.url).host}: status 500`])
  t.regex(issuer.failure() ?? '', /status 500/)

  issuer.pass(500)
  await Promise.all([fails(), fails(), fails()])
  t.is(server.asked.length, 6)
  issuer.pass(999)
  await fails()
  t.is(server.asked.length, 6)
  issuer.pass(1)
  server.reply = json({ active: false })
  t.like(await issuer.introspect('token', NOW), { active: false })
  t.is(issuer.failure(), undefined)
  t.is(issuer.changes.at(-1), 'available')
  await issuer.introspect('token', NOW)
  t.is(server.asked.length, 8)
})

test('what a token makes the issuer say keeps nobody else out', async (t) => {
  const server = await issuerServer(t)
  const { introspect, failure } = await openIssuer(t, server.url, {
    introspection: { url: server.url },
  })
  for (const status of [400, 403, 404, 413]) {
    server.reply = json({ error: 'invalid_request' }, status)
    for (let count = 0; count < 10; count++) {
      await t.throwsAsync(introspect('token', NOW), { instanceOf: IssuerUnavailableError })
    }
  }
  t.is(failure(), undefined)
  server.reply = json(ACTIVE)
  t.like(await introspect('token', NOW), { active: true })
})

test('a kind of token that the issuer does not know is inactive', async (t) => {
  const server = await issuerServer(t)
  const { introspect } = await openIssuer(t, server.url, { introspection: { url: server.url } })
  server.reply = json({ error: 'unsupported_token_type' }, 400)
  t.like(await introspect('token', NOW), { refusal: { reason: 'token-unsupported' } })
})

test('our secret goes by a Basic header, form-encoded', async (t) => {
  const server = await issuerServer(t)
  server.reply = json({ active: false })
  const { introspect } = await openIssuer(t, server.url, {
    introspection: { url: server.url, clientId: 'the gate' },
  })
  await introspect('token', NOW)
  const { authorization = '' } = server.asked[0]?.headers ?? {}
  t.is(Buffer.from(authorization.slice(6), 'base64').toString(), 'the+gate:s%26cret')
})

test('our secret goes in the body', async (t) => {
  const server = await issuerServer(t)
  server.reply = json({ active: false })
  const { introspect } = await openIssuer(t, server.url, {
    introspection: { url: server.url, method: 'client_secret_post' },
  })
  await introspect('token', NOW)
  t.is(server.asked[0]?.headers.authorization, undefined)
  t.like(Object.fromEntries(server.asked[0]?.form ?? []), {
    client_id: 'gate',
    client_secret: 's&cret',
  })
})

for (const algorithm of ['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA']) {
  test(`our assertion is signed with ${algorithm}, for the issuer alone, and never the same twice`, async (t) => {
    const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
    const folder = temporaryFolder(t, { 'our.key': await exportPKCS8(privateKey) })
    const server = await issuerServer(t)
    server.reply = json({ active: false })
    const { introspect } = await openIssuer(t, server.url, {
      introspection: {
        url: `${server.url}/introspect`,
        method: 'private_key_jwt',
        keyId: 'k1',
        secret: undefined,
        key: path.join(folder, 'our.key'),
        ...(algorithm === 'RS256' && { algorithm }),
      },
    })
    await introspect('token', NOW)
    await introspect('token', NOW)
    const ids = await Promise.all(
      server.asked.map(async ({ form }) => {
        t.is(
          form.get('client_assertion_type'),
          'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        )
        const { payload, protectedHeader } = await jwtVerify(
          form.get('client_assertion') ?? '',
          publicKey,
          { issuer: 'gate', subject: 'gate', audience: server.url, currentDate: NOW },
        )
        t.deepEqual(protectedHeader, { alg: algorithm, kid: 'k1' })
        t.deepEqual([payload.iat, payload.exp], [SECONDS, SECONDS + 60])
        return payload.jti
      }),
    )
    t.is(new Set(ids).size, 2)
  })
}

test('our certificate is shown in the handshake, to a server that the authority vouches for', async (t) => {
  const { server: identity, rootCa, otherCa, client } = await pki()
  const folder = temporaryFolder(t, {
    'ca.crt': rootCa.pem,
    'other.crt': otherCa.pem,
    'our.crt': client.cert,
    'our.key': client.key,
  })
  const server = await issuerServer(t, { cert: identity.cert, key: identity.key, ca: rootCa.pem })
  server.reply = json({ active: false })
  const settings = (ca: string | undefined) => ({
    insecure: false,
    ...(ca !== undefined && { ca }),
    introspection: {
      url: server.url,
      method: 'tls_client_auth',
      secret: undefined,
      certificate: path.join(folder, 'our.crt'),
      key: path.join(folder, 'our.key'),
    },
  })
  const { introspect } = await openIssuer(t, server.url, settings(path.join(folder, 'ca.crt')))
  t.like(await introspect('token', NOW), { active: false })
  const shown = server.asked[0]?.certificate?.replaceAll(':', '').toLowerCase()
  t.is(shown, hash('sha256', new X509Certificate(client.pem).raw))
  t.is(server.asked[0]?.form.get('client_id'), 'gate')

  for (const ca of [path.join(folder, 'other.crt'), undefined]) {
    const distrustful = await openIssuer(t, server.url, settings(ca))
    await t.throwsAsync(distrustful.introspect('token', NOW), {
      instanceOf: IssuerUnavailableError,
    })
  }
  t.is(server.asked.length, 1)
})

test('the endpoint is found by discovery, once', async (t) => {
  const server = await issuerServer(t)
  server.reply = byPath({
    [DISCOVERY]: json({ issuer: server.url, introspection_endpoint: `${server.url}/found` }),
    '/found': json({ active: false }),
  })
  const { introspect, calls } = await openIssuer(t, server.url)
  await introspect('token', NOW)
  await introspect('token', NOW)
  t.deepEqual(calls, ['discovery answered', 'introspection answered', 'introspection answered'])
})

test('the endpoint for mutual TLS is preferred when that is how we prove ourselves', async (t) => {
  const { server: identity, rootCa, client } = await pki()
  const folder = temporaryFolder(t, {
    'ca.crt': rootCa.pem,
    'our.crt': client.cert,
    'our.key': client.key,
  })
  const server = await issuerServer(t, { cert: identity.cert, key: identity.key, ca: rootCa.pem })
  server.reply = byPath({
    [DISCOVERY]: json({
      issuer: server.url,
      introspection_endpoint: `${server.url}/plain`,
      mtls_endpoint_aliases: { introspection_endpoint: `${server.url}/mtls` },
    }),
    '/mtls': json({ active: false }),
  })
  const { introspect } = await openIssuer(t, server.url, {
    insecure: false,
    ca: path.join(folder, 'ca.crt'),
    introspection: {
      method: 'tls_client_auth',
      secret: undefined,
      certificate: path.join(folder, 'our.crt'),
      key: path.join(folder, 'our.key'),
    },
  })
  await introspect('token', NOW)
  t.is(server.asked.at(-1)?.path, '/mtls')
})
