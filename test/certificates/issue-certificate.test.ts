import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { connect, createServer } from 'node:tls'
import type { TLSSocket } from 'node:tls'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { issueCertificate } from '../../src/certificates/issue-certificate.ts'
import type { KeyAlgorithm } from '../../src/certificates/signing-algorithms.ts'
import { pki } from '../support/pki.ts'
import type { Identity } from '../support/pki.ts'

const times = {
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2027-01-01T00:00:00Z'),
}
const ALGORITHMS: readonly KeyAlgorithm[] = [
  'ES256',
  'ES384',
  'ES512',
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'EdDSA',
]

for (const keyAlgorithm of ALGORITHMS) {
  test(`an authority with a key for ${keyAlgorithm} signs itself and others`, async (t) => {
    const ca = await issueCertificate({ subject: 'CN=CA', ca: true, keyAlgorithm, ...times })
    const leaf = await issueCertificate({ subject: 'CN=leaf', issuer: ca, ...times })
    t.true(ca.x509.verify(ca.x509.publicKey))
    t.true(leaf.x509.verify(ca.x509.publicKey))
    t.true(leaf.x509.checkIssued(ca.x509))
    t.true(leaf.x509.checkPrivateKey(leaf.privateKey))
    t.false(ca.x509.checkPrivateKey(leaf.privateKey))
  })
}

test('the certificate says what was asked for', async (t) => {
  const { x509, pem, certificate, publicKeyJwk, privateKeyJwk } = await issueCertificate({
    subject: String.raw`CN=a\, b+OU=c,O=d`,
    serialNumber: 255n,
    sans: {
      dns: ['example.test'],
      ip: ['127.0.0.1', '::1', '1:2::3:4', '::ffff:1.2.3.4'],
      uri: ['spiffe://example.test/a'],
      email: ['a@example.test'],
    },
    extendedKeyUsage: ['clientAuth', '1.2.3.4'],
    ...times,
  })
  t.is(
    x509.subject,
    String.raw`O=d
OU=c + CN=a\, b`,
  )
  t.is(x509.serialNumber, 'FF')
  t.is(
    x509.subjectAltName,
    'email:a@example.test, DNS:example.test, URI:spiffe://example.test/a, IP Address:127.0.0.1, ' +
      'IP Address:0:0:0:0:0:0:0:1, IP Address:1:2:0:0:0:0:3:4, IP Address:0:0:0:0:0:FFFF:102:304',
  )
  t.deepEqual(x509.keyUsage, ['1.3.6.1.5.5.7.3.2', '1.2.3.4'])
  t.false(x509.ca)
  t.deepEqual(new X509Certificate(pem).raw, certificate)
  t.like(privateKeyJwk, publicKeyJwk)
  t.is(publicKeyJwk.d, undefined)
})

test('key usage and key identifiers are encoded as DER wants them', async (t) => {
  const ca = await issueCertificate({ subject: 'CN=CA', ca: true, ...times })
  const leaf = await issueCertificate({ subject: 'CN=leaf', issuer: ca, ...times })
  // The usage, critical: its bits, and how many at the end are none.
  t.true(ca.certificate.toString('hex').includes('0603551d0f0101ff040403020106'))
  t.true(leaf.certificate.toString('hex').includes('0603551d0f0101ff040403020780'))
  const [, identifier] =
    /0603551d0e04160414([\da-f]{40})/.exec(ca.certificate.toString('hex')) ?? []
  t.truthy(identifier)
  t.true(leaf.certificate.toString('hex').includes(`0603551d23041830168014${identifier}`))
})

test('a renewal keeps the key, and serial numbers differ', async (t) => {
  const first = await issueCertificate({ subject: 'CN=a', ...times })
  const { privateKey } = first
  const second = await issueCertificate({ subject: 'CN=a', privateKey, ...times })
  t.deepEqual(second.publicKeyJwk, first.publicKeyJwk)
  t.not(second.x509.serialNumber, first.x509.serialNumber)
})

test('a subject or address that cannot be read is refused', async (t) => {
  await t.throwsAsync(issueCertificate({ subject: 'CM=a', ...times }), {
    message: /character 1: "CM"/,
  })
  const wrong = issueCertificate({ subject: 'CN=a', sans: { ip: ['localhost'] }, ...times })
  await t.throwsAsync(wrong, { message: /not an IP address/ })
  const lost = [[{ type: '2.5.4.3', text: 'é', stringType: 'IA5String' as const }]]
  await t.throwsAsync(issueCertificate({ subject: lost, ...times }), { message: /IA5String/ })
})

/** What a server that trusts the root says of a client. */
async function judged(t: ExecutionContext, client: Identity): Promise<string> {
  const { rootCa, server } = await pki()
  const listener = createServer({
    cert: server.cert,
    key: server.key,
    ca: rootCa.pem,
    requestCert: true,
    rejectUnauthorized: false,
  })
  t.teardown(() => listener.close())
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const { port } = listener.address() as AddressInfo
  const { cert, key } = client
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca: rootCa.pem,
    cert,
    key,
  })
  const [peer] = (await once(listener, 'secureConnection')) as [TLSSocket]
  socket.destroy()
  peer.destroy()
  return peer.authorized ? 'authorized' : String(peer.authorizationError)
}

test('the leaves of the test PKI are what they are called', async (t) => {
  const all = await pki()
  t.is(await judged(t, all.client), 'authorized')
  t.is(await judged(t, all.intermediateClient), 'authorized')
  t.is(await judged(t, await all.rsaClient()), 'authorized')
  t.is(await judged(t, all.selfSignedClient), 'DEPTH_ZERO_SELF_SIGNED_CERT')
  t.is(await judged(t, all.otherClient), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  t.is(await judged(t, all.expiredClient), 'CERT_HAS_EXPIRED')
  t.is(await judged(t, all.notYetValidClient), 'CERT_NOT_YET_VALID')
  t.is(await judged(t, all.serverAuthClient), 'INVALID_PURPOSE')
})

test('the test PKI is made once, and its server is good for every loopback name', async (t) => {
  const all = await pki()
  t.is(all, await pki())
  const { x509 } = all.server
  t.is(x509.checkHost('localhost'), 'localhost')
  t.is(x509.checkIP('127.0.0.1'), '127.0.0.1')
  t.is(x509.checkIP('::1'), '::1')
})
