import { createHash } from 'node:crypto'

import test from 'ava'
import * as fc from 'fast-check'

import type { AltNameType } from '#contract'

import { issueCertificate } from '../../src/certificates/issue-certificate.ts'
import { names } from '../../src/certificates/names.ts'
import { peerCertificate } from '../../src/certificates/peer-certificate.ts'
import { subjectAltNames } from '../../src/certificates/subject-alt-names.ts'
import { der, extension, general, mint } from './path/mint.ts'

function keyOf(type: AltNameType, text: string): string | undefined {
  const reading = names.readAltName(type, text)
  return reading.ok ? reading.key : undefined
}

const same: readonly (readonly [AltNameType, string, string])[] = [
  ['dns', 'Orders.Example.COM', 'orders.example.com'],
  ['dns', 'xn--bcher-kva.example', 'XN--BCHER-KVA.example'],
  ['uri', 'HTTPS://API.example/Orders?a=B#c', 'https://api.EXAMPLE/Orders?a=B#c'],
  ['uri', 'SPIFFE://Example.org/ns/prod/sa/orders', 'spiffe://example.org/ns/prod/sa/orders'],
  ['uri', 'URN:uuid:f81d4fae', 'urn:uuid:f81d4fae'],
  ['uri', 'https://User@HOST.example/', 'https://User@host.example/'],
  ['ip', '2001:db8:0:0:0:0:0:1', '2001:DB8::1'],
  ['ip', '::ffff:192.0.2.1', '::ffff:c000:201'],
  ['email', 'Orders@Example.COM', 'Orders@example.com'],
]

for (const [type, a, b] of same) {
  test(`${type}: ${a} and ${b} are the same name`, (t) => {
    t.truthy(keyOf(type, a))
    t.is(keyOf(type, a), keyOf(type, b))
  })
}

const different: readonly (readonly [AltNameType, string, string])[] = [
  ['dns', 'orders.example.com', 'a.orders.example.com'],
  ['dns', 'orders.example.com', 'example.com'],
  ['uri', 'https://api.example/Orders', 'https://api.example/orders'],
  ['uri', 'https://api.example/', 'https://api.example'],
  ['uri', 'https://api.example:443/', 'https://api.example/'],
  ['uri', 'https://api.example/a/../b', 'https://api.example/b'],
  ['uri', 'https://api.example/%61', 'https://api.example/a'],
  ['uri', 'https://User@api.example/', 'https://user@api.example/'],
  ['uri', 'spiffe://example.org/a', 'spiffe://example.org/A'],
  ['ip', '192.0.2.1', '::ffff:192.0.2.1'],
  ['email', 'Orders@example.com', 'orders@example.com'],
]

for (const [type, a, b] of different) {
  test(`${type}: ${a} and ${b} are two names`, (t) => {
    t.truthy(keyOf(type, a))
    t.truthy(keyOf(type, b))
    t.not(keyOf(type, a), keyOf(type, b))
  })
}

const faults: readonly (readonly [AltNameType, string, RegExp])[] = [
  ['dns', '*.example.com', /wildcard/],
  ['dns', 'spiffe://example.org/a', /host name/],
  ['dns', 'bücher.example', /xn--/],
  ['dns', 'orders.example.com.', /host name/],
  ['dns', '192.0.2.1', /address/],
  ['dns', 'a.0x7f', /address/],
  ['dns', 'orders.example.com\0.evil.test', /ASCII/],
  ['dns', 'a'.repeat(300), /host name/],
  ['dns', '', /host name/],
  ['uri', 'orders.example.com', /scheme/],
  ['uri', 'https://api.example/ö', /percent/],
  ['uri', 'https://api.example/a b', /percent/],
  ['uri', 'https://api.example/%zz', /percent/],
  ['uri', 'https://a@b@c.example/', /host/],
  ['uri', 'spiffe://example.org', /workload/],
  ['uri', 'spiffe://example.org/', /workload/],
  ['uri', 'spiffe://example.org/a/', /workload/],
  ['uri', 'spiffe://example.org/a//b', /workload/],
  ['uri', 'spiffe://example.org/a/../b', /workload/],
  ['uri', 'spiffe://example.org/a/./b', /workload/],
  ['uri', 'spiffe://example.org/a%2Fb', /workload/],
  ['uri', 'spiffe://example.org/a?b', /workload/],
  ['uri', 'spiffe://example.org/a#b', /workload/],
  ['uri', 'spiffe://example.org:8080/a', /trust domain/],
  ['uri', 'spiffe://user@example.org/a', /trust domain/],
  ['uri', 'spiffe:///a', /trust domain/],
  ['uri', 'spiffe:a', /trust domain/],
  ['ip', 'fe80::1%eth0', /IP address/],
  ['ip', '192.0.2.0/24', /IP address/],
  ['ip', '192.0.2.1\0', /ASCII/],
  ['ip', '0300.0.2.1', /IP address/],
  ['ip', 'orders.example.com', /IP address/],
  ['email', 'orders', /one @/],
  ['email', 'orders@example.com@evil.test', /one @/],
  ['email', '"orders@x"@example.com', /one @/],
  ['email', '"orders"@example.com', /quoted/],
  ['email', '@example.com', /before the @/],
  ['email', 'orders@*.example.com', /wildcard/],
]

for (const [type, text, fault] of faults) {
  test(`${type}: ${JSON.stringify(text.slice(0, 40))} is no name`, (t) => {
    const reading = names.readAltName(type, text)
    t.false(reading.ok)
    if (!reading.ok) t.regex(reading.fault, fault)
  })
}

test('a name of one type is never one of another', (t) => {
  const types: readonly AltNameType[] = ['dns', 'uri', 'ip', 'email']
  const property = fc.property(fc.string(), (text) => {
    const keys = types.flatMap((type) => keyOf(type, text) ?? [])
    t.is(new Set(keys).size, keys.length)
  })
  fc.assert(property)
})

test('the names of a certificate are found by type, and wildcards are left out', async (t) => {
  const { x509 } = await issueCertificate({
    subject: 'CN=orders',
    notBefore: new Date('2026-01-01'),
    notAfter: new Date('2027-01-01'),
    sans: {
      dns: ['Orders.example', '*.example'],
      uri: ['spiffe://example.org/orders'],
      ip: ['192.0.2.1', '2001:db8::1'],
      email: ['Orders@Example.com'],
    },
  })
  const keys = peerCertificate(x509).subjectAltNames.map(({ key }) => key)
  t.deepEqual(keys, [
    'email:Orders@example.com',
    'dns:orders.example',
    'uri:spiffe://example.org/orders',
    'ip:c0000201',
    'ip:20010db8000000000000000000000001',
  ])
})

function namesIn(...parts: Buffer[]): readonly string[] {
  const certificate = mint({ subject: 'CN=client', extensions: [extension.san(...parts)] })
  return subjectAltNames(certificate).map(({ key }) => key)
}

test('a SPIFFE id in a host name is no SPIFFE id', (t) => {
  t.deepEqual(namesIn(general.dns('spiffe://example.org/a')), [])
  t.deepEqual(namesIn(general.uri('orders.example')), [])
})

for (const [what, make] of Object.entries({
  'host name': general.dns,
  URI: general.uri,
  'mail address': general.email,
})) {
  test(`a NUL or a line end in a ${what} takes all names of the certificate with it`, (t) => {
    for (const character of ['\0', '\n', '\x7f', '\xe9']) {
      t.deepEqual(namesIn(general.dns('good.example'), make(`a${character}b`)), [])
    }
  })
}

test('a NUL in a name of a type that is not compared matches nothing', (t) => {
  const other = general.other('1.3.6.1.4.1.311.20.2.3', der.text('orders@example.com\0'))
  t.deepEqual(namesIn(other), [])
})

test('a certificate of several URIs has no SPIFFE id', (t) => {
  const svid = general.uri('spiffe://example.org/a')
  t.deepEqual(namesIn(svid), ['uri:spiffe://example.org/a'])
  t.deepEqual(namesIn(svid, general.uri('spiffe://example.org/b')), [])
  t.deepEqual(namesIn(svid, general.uri('not a uri')), [])
  t.deepEqual(namesIn(svid, general.uri('https://x.test/')), ['uri:https://x.test/'])
})

test('an address of another length than 4 and 16 is none', (t) => {
  t.deepEqual(namesIn(general.ip(192, 0, 2)), [])
  t.deepEqual(namesIn(general.ip(192, 0, 2, 1)), ['ip:c0000201'])
})

test('what can be registered is what a certificate of that name has', async (t) => {
  const label = fc.stringMatching(/^[a-z][a-z0-9-]{0,10}[a-z0-9]$/)
  const hosts = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'))
  const property = fc.property(hosts, fc.ipV6(), fc.ipV4(), (host, six, four) => {
    const ip = (text: string) => general.ip(...Buffer.from(keyOf('ip', text)!.slice(3), 'hex'))
    const wanted = [keyOf('dns', host), keyOf('ip', six), keyOf('ip', four)]
    t.deepEqual(namesIn(general.dns(host.toUpperCase()), ip(six), ip(four)), wanted as string[])
  })
  fc.assert(property, { numRuns: 50 })
})

test('the hash of the public key is that of OpenSSL', async (t) => {
  const { x509 } = await issueCertificate({
    subject: 'CN=orders',
    notBefore: new Date('2026-01-01'),
    notAfter: new Date('2027-01-01'),
  })
  const spki = x509.publicKey.export({ format: 'der', type: 'spki' })
  const digest = createHash('sha256').update(spki).digest('hex').toUpperCase()
  t.is(peerCertificate(x509).spkiSha256, digest)
})
