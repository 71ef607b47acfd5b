import test from 'ava'

import plugin from '../../../plugins/parsers/tls-client-certificate.ts'
import { aForm, aPeer, aRequest } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const parser = await setUp(plugin)
const dns = { type: 'dns', text: 'Orders.example', key: 'dns:orders.example' } as const
const peer = aPeer({ subjectAltNames: [dns] })

test('it is ambient and advertises both methods of RFC 8705', (t) => {
  t.true(parser.ambient)
  t.deepEqual(parser.advertises, ['tls_client_auth', 'self_signed_tls_client_auth'])
})

test('without a certificate there is no credential', (t) => {
  t.is(parser.parse(aForm({ client_id: 'client' })), undefined)
})

test('the form says whose certificate it is', (t) => {
  const request = { ...aForm({ client_id: 'client' }), peer }
  t.deepEqual(parser.parse(request), { kind: 'certificate', peer, claimedClientId: 'client' })
})

test('without client_id the client is looked up by thumbprints, key and every name', (t) => {
  const lookupKeys = [
    `x509-sha1:${peer.thumbprintSha1}`,
    `x509-sha256:${peer.thumbprintSha256}`,
    `x509-spki:${peer.spkiSha256}`,
    `x509-subject:${peer.subject.key}`,
    `x509-issued:${peer.subject.key} by ${peer.issuer.key}`,
    'x509-san:dns:orders.example',
  ]
  for (const request of [aRequest({ peer }), aRequest({ peer, purpose: 'api' })])
    t.deepEqual(parser.parse(request), { kind: 'certificate', peer, lookupKeys })
})

test('a client_id that is too long is refused', (t) => {
  const request = { ...aForm({ client_id: 'c'.repeat(101) }), peer }
  t.like(parser.parse(request), { malformed: 'client-id-too-long' })
})
