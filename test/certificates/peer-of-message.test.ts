import test from 'ava'

import { certificates, chainOfMessage } from '../../src/certificates/peer-of-message.ts'
import { peerCertificate } from '../../src/certificates/peer-certificate.ts'
import { pki } from '../support/pki.ts'

test('a certificate is read as that of a connection is', async (t) => {
  const { client } = await pki()
  const peer = certificates.read(client.x509.raw)
  const direct = peerCertificate(client.x509)
  t.is(peer?.thumbprintSha256, direct.thumbprintSha256)
  t.is(peer?.subject.key, direct.subject.key)
})

test('what came along is kept with it', async (t) => {
  const { client, rootCa } = await pki()
  const [alone, both] = [[], [rootCa.x509.raw]].map((chain) =>
    certificates.read(client.x509.raw, chain),
  )
  t.deepEqual(alone && chainOfMessage(alone), [])
  t.deepEqual(both && chainOfMessage(both), [rootCa.x509.raw])
  t.is(chainOfMessage(peerCertificate(client.x509)), undefined)
})

test('nothing but the DER of one certificate is one', async (t) => {
  const { client } = await pki()
  const { raw } = client.x509
  for (const [what, bytes] of [
    ['nothing', Buffer.alloc(0)],
    ['PEM', Buffer.from(client.pem)],
    ['a part', raw.subarray(0, -1)],
    ['more', Buffer.concat([raw, Buffer.from([0])])],
    ['two', Buffer.concat([raw, raw])],
  ] as const)
    t.is(certificates.read(bytes), undefined, what)
})

test('a certificate that is too large for path validation is none', async (t) => {
  const { leaf } = await pki()
  const names = (count: number) => Array.from({ length: count }, (_, i) => `host-${i}.example.com`)
  const [small, large] = await Promise.all(
    [100, 500].map((count) => leaf({ sans: { dns: names(count) } })),
  )
  t.not(small && certificates.read(small.x509.raw), undefined)
  t.true((large?.x509.raw.length ?? 0) > 8192)
  t.is(large && certificates.read(large.x509.raw), undefined)
})
