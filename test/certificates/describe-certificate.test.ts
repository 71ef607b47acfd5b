import { createHash } from 'node:crypto'

import test from 'ava'

import { certificateWarnings } from '../../src/certificates/certificate-warnings.ts'
import { describeCertificate } from '../../src/certificates/describe-certificate.ts'
import { issueCertificate } from '../../src/certificates/issue-certificate.ts'
import type { IssueOptions } from '../../src/certificates/issue-certificate.ts'
import { pki } from '../support/pki.ts'

const now = new Date('2026-06-01T00:00:00Z')
const times = {
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2027-01-01T00:00:00Z'),
}

async function describe(options: Partial<IssueOptions> = {}) {
  const issued = await issueCertificate({ subject: 'CN=orders, O=Example', ...times, ...options })
  const description = describeCertificate(Buffer.from(issued.pem), now)
  if (!description.ok) throw new Error(description.fault)
  return { ...description, issued, reasons: description.warnings.map(({ reason }) => reason) }
}

test('names, thumbprints and pin are those that products show', async (t) => {
  const { facts, issued } = await describe()
  const spki = issued.x509.publicKey.export({ type: 'spki', format: 'der' })
  t.deepEqual(facts.subject, {
    dotnet: 'CN=orders, O=Example',
    rfc4514: 'CN=orders,O=Example',
    openssl: 'O = Example, CN = orders',
    slash: '/O=Example/CN=orders',
  })
  t.is(facts.thumbprintSha1, issued.x509.fingerprint.replaceAll(':', ''))
  t.is(facts.thumbprintSha256, issued.x509.fingerprint256.replaceAll(':', ''))
  t.is(facts.spkiPin, createHash('sha256').update(spki).digest('base64'))
  t.is(facts.key, 'EC P-256')
})

test('subject alternative names and purposes are listed', async (t) => {
  const { facts } = await describe({
    sans: {
      dns: ['a.test'],
      ip: ['10.0.0.1', '2001:db8::1'],
      uri: ['spiffe://a/b'],
      email: ['a@b'],
    },
    extendedKeyUsage: ['clientAuth', '1.2.3'],
  })
  t.deepEqual(facts.subjectAltNames, [
    { type: 'e-mail', value: 'a@b' },
    { type: 'DNS', value: 'a.test' },
    { type: 'URI', value: 'spiffe://a/b' },
    { type: 'IP', value: '10.0.0.1' },
    { type: 'IP', value: '2001:db8::1' },
  ])
  t.deepEqual(facts.extendedKeyUsage, ['clientAuth', '1.2.3'])
})

test('all files that hold the certificate give the same description', async (t) => {
  const { issued, ...pem } = await describe()
  const base64 = issued.certificate.toString('base64')
  const files: readonly (readonly [string, Uint8Array])[] = [
    ['DER', issued.certificate],
    ['base64', Buffer.from(base64)],
    ['base64 in lines', Buffer.from(`${base64.replace(/.{64}/g, '$&\r\n')}\n`)],
    ['text before', Buffer.from(`Certificate:\n  Data: 5 < 6\n${issued.pem}`)],
    ['CRLF and BOM', Buffer.from(`\ufeff${issued.pem.replaceAll('\n', '\r\n')}`)],
    ['UTF-16', Buffer.from(`\ufeff${issued.pem}`, 'utf16le')],
    ['indented', Buffer.from(issued.pem.replaceAll(/^/gm, '    '))],
  ]
  for (const [title, bytes] of files) {
    t.like(describeCertificate(bytes, now), { ok: true, facts: pem.facts, others: 0 }, title)
  }
})

test('of several certificates the first is described and the others counted', async (t) => {
  const { client, rootCa, intermediateCa } = await pki()
  const file = client.key + client.pem + intermediateCa.pem + rootCa.pem
  const description = describeCertificate(Buffer.from(file), new Date())
  t.true(description.ok)
  if (!description.ok) return
  t.is(description.others, 2)
  t.is(description.facts.subject.dotnet, 'CN=client, O=Example')
  t.true(description.warnings.some(({ reason }) => reason === 'private-key-beside'))
})

test('a certificate in order gives no warning, any other its own', async (t) => {
  const { rootCa } = await pki()
  const issuer = rootCa
  const day = (text: string) => new Date(`${text}T00:00:00Z`)
  const cases: readonly (readonly [Partial<IssueOptions>, readonly string[]])[] = [
    [{ issuer, extendedKeyUsage: ['clientAuth'] }, []],
    [{ issuer, extendedKeyUsage: ['any'] }, []],
    [{ issuer, keyAlgorithm: 'EdDSA' }, []],
    [{ issuer, keyAlgorithm: 'RS256' }, []],
    [{ issuer, subject: 'CN=Root CA, O=Example' }, []],
    [{}, ['self-signed']],
    [{ issuer, notAfter: day('2026-05-31') }, ['expired']],
    [{ issuer, notBefore: day('2026-06-02') }, ['not-yet-valid']],
    [{ issuer, notAfter: day('2026-06-20') }, ['expires-soon']],
    [{ issuer, keyAlgorithm: 'RS256', modulusLength: 1024 }, ['weak-key']],
    [{ issuer, subject: '' }, ['no-subject']],
    [{ issuer, extendedKeyUsage: ['serverAuth'] }, ['no-client-auth']],
    [{ issuer, ca: true }, ['ca-certificate']],
    [
      { issuer, extraExtensions: [{ oid: '2.5.29.17', value: Buffer.from('0500', 'hex') }] },
      ['damaged-names'],
    ],
  ]
  for (const [options, reasons] of cases) {
    t.deepEqual((await describe(options)).reasons, reasons)
  }
})

test('a signature with a broken hash is warned of', async (t) => {
  const { rootCa: issuer } = await pki()
  const { facts } = await describe({ issuer })
  const weak = (signatureAlgorithm: string, selfSigned = false) =>
    certificateWarnings({ ...facts, signatureAlgorithm, selfSigned }, now).some(
      ({ reason }) => reason === 'weak-signature',
    )
  t.true(
    ['sha1WithRSAEncryption', 'ecdsa-with-SHA1', 'md5WithRSAEncryption'].every((name) =>
      weak(name),
    ),
  )
  t.false(['ecdsa-with-SHA256', 'sha512WithRSAEncryption', 'ED25519'].some((name) => weak(name)))
  t.false(weak('sha1WithRSAEncryption', true))
})

test('the proposed secrets hold what the validators compare', async (t) => {
  const { rootCa } = await pki()
  const { issued, clientSecrets, facts } = await describe({
    issuer: rootCa,
    sans: { dns: ['Orders.example', '*.example'], uri: ['spiffe://example.org/orders'] },
  })
  const expiration = times.notAfter
  t.deepEqual(
    clientSecrets.map(({ type, value, expiration: until }) => [type, value, until]),
    [
      ['X509Thumbprint', facts.thumbprintSha256, expiration],
      ['X509Thumbprint', facts.thumbprintSha1, expiration],
      ['X509Name', 'CN=orders, O=Example', undefined],
      ['X509CertificateBase64', issued.certificate.toString('base64'), expiration],
      ['X509PublicKeyPin', facts.spkiPin, undefined],
      ['X509SanDns', 'Orders.example', undefined],
      ['X509SanUri', 'spiffe://example.org/orders', undefined],
    ],
  )
})

test('no name is proposed that nobody vouches for or that cannot be read', async (t) => {
  const { rootCa } = await pki()
  for (const options of [{}, { issuer: rootCa, subject: '' }]) {
    const { clientSecrets } = await describe(options)
    t.false(clientSecrets.some(({ type }) => type === 'X509Name'))
    t.is(clientSecrets.length, 4)
  }
})

test('a name that .NET writes ambiguously is proposed in RFC 4514', async (t) => {
  const { rootCa: issuer } = await pki()
  const nameOf = async (subject: string) =>
    (await describe({ issuer, subject })).clientSecrets.find(({ type }) => type === 'X509Name')
      ?.value
  t.is(await nameOf(String.raw`CN=\\61pi`), String.raw`CN=\\61pi`)
  t.is(await nameOf(String.raw`CN=CORP\\svc`), String.raw`CN=CORP\svc`)
})

test('an expired certificate is proposed without an end that has passed', async (t) => {
  const { clientSecrets } = await describe({ notAfter: new Date('2026-02-01T00:00:00Z') })
  t.true(clientSecrets.every(({ expiration }) => expiration === undefined))
})
