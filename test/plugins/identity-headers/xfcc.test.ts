import { X509Certificate } from 'node:crypto'

import test from 'ava'
import * as fc from 'fast-check'

import type { PeerCertificate, Principal, SubjectAltName } from '#contract'

import plugin from '../../../plugins/identity-headers/xfcc/index.ts'
import { aForwarded, aPeer } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const part = await setUp(plugin)
const whole = await setUp(plugin, { certificate: true })

function elementOf(overrides: Partial<PeerCertificate>, from = part): string {
  const peer = aPeer(overrides)
  const confirmation = { 'x5t#S256': peer.x5tS256 }
  const principal: Principal = { clientId: 'c', scopes: [], method: 'x', peer, confirmation }
  return String(from.headers(principal, aForwarded())['X-Forwarded-Client-Cert'])
}

function subject(rfc4514: string): Pick<PeerCertificate, 'subject'> {
  return { subject: { key: '', dotnet: '', openssl: '', rfc4514 } }
}

const alt = (type: SubjectAltName['type'], text: string) => ({ type, text, key: '' })
const HASH = `Hash=${aPeer().thumbprintSha256.toLowerCase()}`

test('hash, subject and names of the certificate stand in one element', (t) => {
  const subjectAltNames = [
    alt('dns', 'orders.example'),
    alt('uri', 'spiffe://example/orders'),
    alt('email', 'orders@example'),
    alt('ip', '10.0.0.1'),
    alt('dns', 'www.orders.example'),
  ]
  t.is(
    elementOf({ ...subject('CN=orders,O=Example'), subjectAltNames }),
    `${HASH};Subject="CN=orders,O=Example";URI=spiffe://example/orders;DNS=orders.example;DNS=www.orders.example`,
  )
})

test('the whole certificate is told when that is wanted', (t) => {
  const element = elementOf({}, whole)
  const escaped = /;Cert="([^"]+)"/.exec(element)?.[1] ?? ''
  t.deepEqual(new X509Certificate(decodeURIComponent(escaped)).raw, Buffer.from(aPeer().raw))
  t.throws(() => elementOf({ raw: Buffer.alloc(6000) }, whole), { instanceOf: RangeError })
})

test('a certificate that proved nothing is not told', (t) => {
  const peer = aPeer()
  const principal: Principal = { clientId: 'c', scopes: [], method: 'bearer', peer }
  t.deepEqual(part.headers(principal, aForwarded()), {})
  const confirmation = { 'x5t#S256': 'A'.repeat(43) }
  t.deepEqual(part.headers({ ...principal, confirmation }, aForwarded()), {})
})

for (const [rfc4514, told] of [
  ['CN=a\\"b', 'CN=a\\22b'],
  ['CN=a\\\\', 'CN=a\\5C'],
  ['CN=a\\\\\\"\\\\b', 'CN=a\\5C\\22\\5Cb'],
  ['CN=a\\,b;URI=spiffe://x', 'CN=a\\,b;URI=spiffe://x'],
  ['CN=Größe', 'CN=Gr\\C3\\B6\\C3\\9Fe'],
  ['CN=a\r\nX-Admin: 1', 'CN=a\\0D\\0AX-Admin: 1'],
  ['CN=😀\u0000', 'CN=\\F0\\9F\\98\\80\\00'],
  ['CN=a";URI="spiffe://admin', 'CN=a\\22;URI=\\22spiffe://admin'],
] as const)
  test(`the subject ${JSON.stringify(rfc4514)} stays inside its quotes`, (t) => {
    t.is(elementOf(subject(rfc4514)), `${HASH};Subject="${told}"`)
  })

for (const [text, told] of [
  ['spiffe://a/b', 'URI=spiffe://a/b'],
  ['urn:a;b', 'URI="urn:a;b"'],
  ['urn:a,b=c', 'URI="urn:a,b=c"'],
  ['urn:a"b\\c', 'URI=urn:a%22b%5Cc'],
  ['urn:a b\r\n', 'URI=urn:a%20b%0D%0A'],
  ['urn:ä";DNS=x', 'URI="urn:%C3%A4%22;DNS=x"'],
] as const)
  test(`the URI ${JSON.stringify(text)} is one value`, (t) => {
    const element = elementOf({ ...subject('CN=a'), subjectAltNames: [alt('uri', text)] })
    t.is(element, `${HASH};Subject="CN=a";${told}`)
  })

test('names that have no room are left out whole', (t) => {
  const subjectAltNames = Array.from({ length: 300 }, (_, i) => alt('dns', `host-${i}.example`))
  const element = elementOf({ ...subject('CN=a'), subjectAltNames })
  t.true(element.length < 2200)
  t.regex(element, /;DNS=host-\d+\.example$/)
  t.is(elementOf(subject(`CN=${'x'.repeat(3000)}`)), HASH)
})

test('whatever a certificate holds, no name of it becomes another pair', (t) => {
  const text = fc.string({ unit: 'binary', maxLength: 60 })
  const property = fc.property(text, fc.array(text, { maxLength: 4 }), (name, uris) => {
    const subjectAltNames = uris.map((uri) => alt('uri', uri))
    // What a distinguished name can be rendered as: quotes and backslashes escaped.
    const rendered = name.replaceAll(/["\\]/g, '\\$&')
    const element = elementOf({ ...subject(rendered), subjectAltNames })
    t.regex(element, /^[\x20-\x7e]+$/)
    const pairs = element.match(/[A-Za-z]+=(?:"[^"]*"|[^";,]*)(?=;|$)/g) ?? []
    t.is(pairs.join(';'), element)
    t.deepEqual(
      pairs.map((pair) => pair.split('=')[0]),
      ['Hash', 'Subject', ...uris.map(() => 'URI')],
    )
  })
  fc.assert(property, { numRuns: 1000 })
})
