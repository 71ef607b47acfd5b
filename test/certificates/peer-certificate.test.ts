import { createHash, X509Certificate } from 'node:crypto'

import test from 'ava'

import { issueCertificate } from '../../src/certificates/issue-certificate.ts'
import { names } from '../../src/certificates/names.ts'
import { peerCertificate } from '../../src/certificates/peer-certificate.ts'
import { pki } from '../support/pki.ts'

const times = {
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2027-01-01T00:00:00Z'),
}

test('hashes are over the DER, in the spelling of each product', async (t) => {
  const { client } = await pki()
  const peer = peerCertificate(client.x509)
  const sha256 = createHash('sha256').update(client.certificate)
  t.deepEqual(Buffer.from(peer.raw), client.certificate)
  t.is(peer.thumbprintSha1, client.x509.fingerprint.replaceAll(':', ''))
  t.is(peer.thumbprintSha256, client.x509.fingerprint256.replaceAll(':', ''))
  t.is(peer.x5tS256, sha256.digest('base64url'))
})

test('subject and issuer are read in every notation', async (t) => {
  const { client } = await pki()
  const { subject, issuer } = peerCertificate(client.x509)
  t.is(subject.dotnet, 'CN=client, O=Example')
  t.is(subject.rfc4514, 'CN=client,O=Example')
  t.is(subject.openssl, 'O = Example, CN = client')
  t.is(issuer.dotnet, 'CN=Root CA, O=Example')
  t.deepEqual(names.read('/O=example/CN=CLIENT'), { ok: true, key: subject.key })
})

test('the period of validity is that of the certificate', async (t) => {
  const { x509 } = await issueCertificate({
    subject: 'CN=long',
    notBefore: new Date('1960-02-03T04:05:06Z'),
    notAfter: new Date('2060-02-03T04:05:06Z'),
  })
  const { notBefore, notAfter } = peerCertificate(x509)
  t.is(notBefore.toISOString(), '1960-02-03T04:05:06.000Z')
  t.is(notAfter.toISOString(), '2060-02-03T04:05:06.000Z')
})

test('a date that cannot be read is never inside the validity', async (t) => {
  const damage = (certificate: Uint8Array, date: string, damaged: string) => {
    const der = Buffer.from(certificate)
    der.write(damaged, der.indexOf(date))
    return peerCertificate(new X509Certificate(der))
  }
  const dates = new Set<number>()
  // Node makes a date of what its memory happens to hold, so now and then a sound one.
  for (let time = 0; time < 60; time++) {
    const { certificate } = await issueCertificate({ subject: 'CN=odd', ...times })
    const { notBefore } = damage(certificate, '260101000000Z', '261301000000Z')
    const { notAfter } = damage(certificate, '270101000000Z', '271301000000Z')
    dates.add(notBefore.getTime()).add(notAfter.getTime())
  }
  t.deepEqual([...dates], [8.64e15, -8.64e15])
})

test('a name is read once', async (t) => {
  const { client } = await pki()
  const peer = peerCertificate(client.x509)
  t.is(peer.subject, peer.subject)
  t.not(peer.subject, peer.issuer)
})

test('an empty subject has a key that no registered name has', async (t) => {
  const { x509 } = await issueCertificate({ subject: '', ...times })
  const { subject } = peerCertificate(x509)
  t.is(subject.key, '!empty')
  t.is(subject.dotnet, '')
  t.false(names.read(subject.key).ok)
})

test('a subject beyond the limits neither matches nor throws', async (t) => {
  const step = [{ type: '2.5.4.3', text: 'a' }]
  const many = Array.from({ length: 300 }, () => step)
  const { x509 } = await issueCertificate({ subject: many, ...times })
  const other = await issueCertificate({ subject: [...many, step], ...times })
  const { subject } = peerCertificate(x509)
  t.regex(subject.key, /^!unreadable [\da-f]{64}$/)
  t.not(subject.key, peerCertificate(other.x509).subject.key)
  t.is(subject.rfc4514, '')
})

test('a subject of 60 kB is read', async (t) => {
  const text = 'a'.repeat(60_000)
  const { x509 } = await issueCertificate({ subject: [[{ type: '2.5.4.3', text }]], ...times })
  t.deepEqual(names.read(`CN=${text}`), { ok: true, key: peerCertificate(x509).subject.key })
})
