import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { connect as connectTcp, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'

import test from 'ava'
import { decodeJwt } from 'jose'

import { openConnection } from '../support/open-connection.ts'
import { pki } from '../support/pki.ts'
import type { Identity } from '../support/pki.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'
import { assertRefused, INVALID_CLIENT, tokenOf, tokenRequest } from '../support/token-request.ts'

const NAME = 'CN=client, O=Example'
const INTERMEDIATE = 'CN=Intermediate CA, O=Example'

const SANS = {
  dns: { type: 'X509SanDns', value: 'orders.example' },
  uri: { type: 'X509SanUri', value: 'spiffe://example.org/ns/prod/sa/orders' },
  ip: { type: 'X509SanIp', value: '2001:db8::17' },
  email: { type: 'X509SanEmail', value: 'Orders@example.com' },
} as const

const running = sharedSidecar(test, async () => {
  const { otherCa } = await pki()
  return {
    settings: {
      trust: {
        anchors: [],
        sets: { 'tenant-a': { anchors: ['ca.crt'] }, 'tenant-b': { anchors: ['other.crt'] } },
      },
    },
    files: { 'other.crt': otherCa.pem },
    clients: [
      nameClient('a', NAME, 'tenant-a'),
      nameClient('b', NAME, 'tenant-b'),
      nameClient('nobody', NAME),
      nameClient('unknown set', NAME, 'tenant-x'),
      {
        clientId: 'both',
        clientSecrets: ['tenant-b', 'tenant-a'].map((anchors) => nameSecret(NAME, anchors)),
      },
      {
        clientId: 'issued',
        clientSecrets: [
          {
            type: 'X509IssuerSubject',
            value: NAME,
            issuer: INTERMEDIATE,
            anchors: 'tenant-a',
          },
        ],
      },
      ...Object.entries(SANS).map(([type, secret]) => ({
        clientId: type,
        clientSecrets: [{ ...secret, anchors: 'tenant-a' }],
        allowedAuthenticationMethods: ['tls_client_auth'],
      })),
    ],
  }
})

function nameSecret(value: string, anchors?: string) {
  return { type: 'X509Name', value, ...(anchors !== undefined && { anchors }) }
}

function nameClient(clientId: string, value: string, anchors?: string) {
  return { clientId, clientSecrets: [nameSecret(value, anchors)], allowedScopes: ['read'] }
}

async function ask({ cert, key }: Pick<Identity, 'cert' | 'key'>, clientId?: string) {
  const form = clientId === undefined ? {} : { client_id: clientId }
  return running().send(tokenRequest({ form, cert, key }))
}

test('an authority vouches for the names of its own tenant and of no other', async (t) => {
  const { client, otherClient } = await pki()
  tokenOf(t, await ask(client, 'a'))
  tokenOf(t, await ask(otherClient, 'b'))
  for (const [certificate, clientId] of [
    [client, 'b'],
    [otherClient, 'a'],
    [client, 'nobody'],
  ] as const) {
    assertRefused(t, running(), await ask(certificate, clientId), {
      ...INVALID_CLIENT,
      reason: 'chain-untrusted',
    })
  }
})

test('of several secrets one whose authority vouches is enough', async (t) => {
  const { client, otherClient, selfSigned } = await pki()
  tokenOf(t, await ask(client, 'both'))
  tokenOf(t, await ask(otherClient, 'both'))
  assertRefused(t, running(), await ask(await selfSigned(), 'both'), {
    ...INVALID_CLIENT,
    reason: 'chain-untrusted',
  })
})

test('a secret that names an unknown set is left out, and it is said where', async (t) => {
  const lines = running().log.filter(({ event }) => event === 'config.disabled')
  t.is(lines.length, 1)
  t.regex(String(lines[0]?.['at']), /^clients\.yaml:\d+:\d+$/)
  t.regex(String(lines[0]?.['message']), /"unknown set".*no such set of anchors.*tenant-a/)
  const { client } = await pki()
  assertRefused(t, running(), await ask(client, 'unknown set'), {
    ...INVALID_CLIENT,
    reason: 'secret-none',
  })
})

test('a secret may name the issuer beside the subject', async (t) => {
  const { client, intermediateClient } = await pki()
  tokenOf(t, await ask(intermediateClient, 'issued'))
  assertRefused(t, running(), await ask(client, 'issued'), {
    ...INVALID_CLIENT,
    reason: 'cert-issuer-mismatch',
  })
})

for (const [type, { value }] of Object.entries(SANS)) {
  test(`a certificate is known by its ${type} name, and the client found by it`, async (t) => {
    const { leaf } = await pki()
    const subject = `CN=${type} test`
    const certificate = await leaf({ subject, sans: { [type]: [value] } })
    t.is(decodeJwt(tokenOf(t, await ask(certificate)))['client_id'], type)
    tokenOf(t, await ask(certificate, type))
  })

  test(`a ${type} name proves nothing under another authority`, async (t) => {
    const { leaf, otherCa, selfSigned } = await pki()
    const options = { sans: { [type]: [value] } }
    for (const one of [await leaf({ ...options, issuer: otherCa }), await selfSigned(options)]) {
      assertRefused(t, running(), await ask(one, type), {
        ...INVALID_CLIENT,
        reason: 'chain-untrusted',
      })
    }
  })
}

for (const [what, clientId, sans] of [
  ['a wildcard', 'dns', { dns: ['*.example'] }],
  ['a name below', 'dns', { dns: ['a.orders.example'] }],
  ['a URI in a host name', 'uri', { dns: ['spiffe://example.org/ns/prod/sa/orders'] }],
  ['a host name in a URI', 'dns', { uri: ['orders.example'] }],
  [
    'one of two URIs',
    'uri',
    { uri: ['spiffe://example.org/ns/prod/sa/orders', 'spiffe://example.org/b'] },
  ],
  ['a path in other letters', 'uri', { uri: ['spiffe://example.org/ns/prod/sa/Orders'] }],
  ['a mailbox in other letters', 'email', { email: ['orders@example.com'] }],
  ['a mailbox with two hosts', 'email', { email: ['Orders@example.com@evil.test'] }],
  ['another address', 'ip', { ip: ['2001:db8::18'] }],
] as const) {
  test(`${what} is another name`, async (t) => {
    const certificate = await (await pki()).leaf({ subject: 'CN=other', sans })
    assertRefused(t, running(), await ask(certificate, clientId), {
      ...INVALID_CLIENT,
      reason: 'cert-san-mismatch',
    })
  })
}

test('whoever sends another’s certificate along stays who he is', async (t) => {
  const { rootCa, client, selfSigned } = await pki()
  const evil = await selfSigned({ subject: NAME })
  for (const beside of [
    [evil, rootCa, client],
    [client, rootCa],
    [client, rootCa, evil],
  ]) {
    const cert = evil.pem + beside.map(({ pem }) => pem).join('')
    const answer = await ask({ cert, key: evil.key }, 'a')
    t.is(answer.status, 401)
    t.regex(String(running().refusalOf(answer)?.['reason']), /^chain-(untrusted|signature)$/)
  }
})

test('what name the client asks the server for changes nothing', async (t) => {
  const { client, otherClient, rootCa } = await pki()
  for (const servername of [
    'localhost',
    'LOCALHOST',
    'sidecar.test',
    'a'.repeat(250),
    'x..y',
    '',
  ]) {
    const ask2 = async ({ cert, key }: Identity) => {
      const options = {
        ca: rootCa.pem,
        cert,
        key,
        servername,
        checkServerIdentity: () => undefined,
      }
      const connection = await openConnection(t, running().port, options)
      return connection.send(tokenRequest({ form: { client_id: 'a' } }))
    }
    tokenOf(t, await ask2(client))
    assertRefused(t, running(), await ask2(otherClient), {
      ...INVALID_CLIENT,
      reason: 'chain-untrusted',
    })
  }
})

test('a handshake that comes byte by byte is judged like any other', async (t) => {
  const { client, otherClient, rootCa } = await pki()
  const slow = createServer((inner) => {
    const outer = connectTcp(running().port, '127.0.0.1').setNoDelay()
    inner.on('data', (chunk: Buffer) => {
      for (const octet of chunk) outer.write(Buffer.of(octet))
    })
    outer.on('data', (chunk) => inner.write(chunk))
    for (const [one, other] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      one.on('error', () => undefined).on('close', () => other.destroy())
    }
  })
  slow.listen(0, '127.0.0.1')
  await once(slow, 'listening')
  t.teardown(() => slow.close())
  const { port } = slow.address() as AddressInfo
  for (const { cert, key: own, ok } of [
    { ...client, ok: true },
    { ...otherClient, ok: false },
  ]) {
    const connection = await openConnection(t, port, { ca: rootCa.pem, cert, key: own })
    const answer = await connection.send(tokenRequest({ form: { client_id: 'a' } }))
    t.is(answer.status, ok ? 200 : 401)
    connection.close()
  }
})

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${maxVersion}: a resumed session is judged like a new one, the leaf being all that it knows`, async (t) => {
    const { intermediateClient, rootCa } = await pki()
    const { cert, key } = intermediateClient
    const options = { ca: rootCa.pem, cert, key, maxVersion }
    const request = (clientId: string) => tokenRequest({ form: { client_id: clientId } })
    const first = await openConnection(t, running().port, options)
    tokenOf(t, await first.send(request('a')))
    const resumed = await openConnection(t, running().port, {
      ...options,
      session: first.session(),
    })
    t.true(resumed.resumed)
    tokenOf(t, await resumed.send(request('a')))
    assertRefused(t, running(), await resumed.send(request('b')), {
      ...INVALID_CLIENT,
      reason: 'chain-untrusted',
    })
  })

  test(`${maxVersion}: a session of one listener opens nothing at another`, async (t) => {
    const { client, rootCa, otherCa } = await pki()
    const options = { ca: rootCa.pem, cert: client.cert, key: client.key, maxVersion }
    const other = await startSidecar(t, {
      files: { 'ca.crt': otherCa.pem },
      clients: [nameClient('a', NAME)],
    })
    const request = tokenRequest({ form: { client_id: 'a' } })
    const first = await openConnection(t, running().port, options)
    tokenOf(t, await first.send(request))
    const second = await openConnection(t, other.port, { ...options, session: first.session() })
    t.false(second.resumed)
    assertRefused(t, other, await second.send(request), {
      ...INVALID_CLIENT,
      reason: 'chain-untrusted',
    })
  })
}

test('an anchor that is taken away vouches no more, on open connections and resumed sessions', async (t) => {
  const { client, rootCa, otherCa } = await pki()
  const own = await startSidecar(t, { clients: [nameClient('a', NAME)] })
  const options = { ca: rootCa.pem, cert: client.cert, key: client.key }
  const request = tokenRequest({ form: { client_id: 'a' } })
  const kept = await openConnection(t, own.port, options)
  tokenOf(t, await kept.send(request))
  t.is((await kept.send({ path: '/orders' })).status, 200)
  const session = kept.session()

  own.write('ca.crt', otherCa.pem)
  t.true(await own.sidecar.reload())
  const refused = { ...INVALID_CLIENT, reason: 'chain-untrusted' }
  assertRefused(t, own, await kept.send(request), refused)
  const denied = await kept.send({ path: '/orders' })
  t.is(denied.status, 401)
  t.deepEqual(own.arrivedOf(denied), [])
  const resumed = await openConnection(t, own.port, { ...options, session })
  assertRefused(t, own, await resumed.send(request), refused)

  own.write('ca.crt', otherCa.pem + rootCa.pem)
  t.true(await own.sidecar.reload())
  tokenOf(t, await kept.send(request))
})

test('anchors that cannot be read leave those before them in place', async (t) => {
  const { client, rootCa } = await pki()
  const own = await startSidecar(t, { clients: [nameClient('a', NAME)] })
  const options = { ca: rootCa.pem, cert: client.cert, key: client.key }
  const kept = await openConnection(t, own.port, options)
  const request = tokenRequest({ form: { client_id: 'a' } })
  for (const text of ['', 'garbage', rootCa.pem.slice(0, 300)]) {
    own.write('ca.crt', text)
    t.false(await own.sidecar.reload())
    tokenOf(t, await kept.send(request))
  }
})

test('a certificate that expires on its connection counts no more', async (t) => {
  const { leaf, rootCa } = await pki()
  const own = await startSidecar(t, { clients: [nameClient('a', NAME)] })
  const notAfter = new Date(Date.now() + 3000)
  const { cert, key } = await leaf({ notAfter })
  const connection = await openConnection(t, own.port, { ca: rootCa.pem, cert, key })
  const request = tokenRequest({ form: { client_id: 'a' } })
  const first = await connection.send(request)
  if (Date.now() < notAfter.getTime() - 500) tokenOf(t, first)
  let answer = first
  while (answer.status === 200) answer = await connection.send(request)
  t.true(Date.now() >= Math.floor(notAfter.getTime() / 1000) * 1000)
  assertRefused(t, own, answer, { ...INVALID_CLIENT, reason: 'cert-expired' })
})

async function pinned(t: Parameters<typeof startSidecar>[0]): Promise<Running> {
  const { selfSigned } = await pki()
  const { x509, publicKeyJwk, certificate } = await key()
  const spki = x509.publicKey.export({ format: 'der', type: 'spki' })
  const digest = createHash('sha256').update(spki)
  const jwks = (members: object) => JSON.stringify({ keys: [{ ...publicKeyJwk, ...members }] })
  const other = await selfSigned()
  return startSidecar(t, {
    settings: { trust: { anchors: [] } },
    clients: [
      secretClient('pin', 'X509PublicKeyPin', digest.digest('base64')),
      secretClient('jwks', 'JWKS', jwks({})),
      secretClient(
        'jwks of a certificate',
        'JWKS',
        jwks({ x5c: [certificate.toString('base64')] }),
      ),
      secretClient('jwks of another', 'JWKS', JSON.stringify({ keys: [other.publicKeyJwk] })),
    ],
  })
}

function secretClient(clientId: string, type: string, value: string) {
  return {
    clientId,
    clientSecrets: [{ type, value }],
    allowedAuthenticationMethods: ['self_signed_tls_client_auth'],
  }
}

let made: Promise<Identity> | undefined
const key = () => (made ??= pki().then(({ selfSigned }) => selfSigned({ subject: 'CN=pinned' })))

test('a pinned key survives the renewal of its self-signed certificate; a registered certificate does not', async (t) => {
  const own = await pinned(t)
  const { selfSigned, otherClient, leaf } = await pki()
  const first = await key()
  const renewed = await selfSigned({ subject: 'CN=renewed', privateKey: first.privateKey })
  const issued = await leaf({ subject: 'CN=issued', privateKey: first.privateKey })
  const at = (who: Identity, clientId: string) =>
    own.send(tokenRequest({ form: { client_id: clientId }, cert: who.cert, key: who.key }))
  for (const certificate of [first, renewed, issued]) {
    tokenOf(t, await at(certificate, 'pin'))
    tokenOf(t, await at(certificate, 'jwks'))
  }
  tokenOf(t, await at(first, 'jwks of a certificate'))
  for (const [certificate, clientId] of [
    [renewed, 'jwks of a certificate'],
    [first, 'jwks of another'],
    [otherClient, 'pin'],
    [otherClient, 'jwks'],
  ] as const) {
    assertRefused(t, own, await at(certificate, clientId), {
      ...INVALID_CLIENT,
      reason: 'cert-key-unknown',
    })
  }
  const late = await selfSigned({
    privateKey: first.privateKey,
    notBefore: new Date(0),
    notAfter: new Date(1000),
  })
  for (const clientId of ['pin', 'jwks']) {
    assertRefused(t, own, await at(late, clientId), { ...INVALID_CLIENT, reason: 'cert-expired' })
  }
})

const run = promisify(execFile)

test('the handshake names no authorities, so that no client keeps its certificate back', async (t) => {
  const address = `127.0.0.1:${running().port}`
  const child = run('openssl', ['s_client', '-connect', address, '-tls1_2'])
  child.child.stdin?.end()
  const { stdout } = await child
  t.regex(stdout, /No client certificate CA names sent/)
  t.regex(stdout, /Client Certificate Types|Requested Signature Algorithms/)
})
