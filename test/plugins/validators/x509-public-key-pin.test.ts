import test from 'ava'

import plugin from '../../../plugins/validators/x509-public-key-pin.ts'
import { anAttempt, aPeer, aSecret } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const validator = await setUp(plugin)
const peer = aPeer()
const credential = { kind: 'certificate', peer } as const
const bytes = Buffer.from(peer.spkiSha256, 'hex')

const pinned = (value: string) => aSecret('X509PublicKeyPin', value)

for (const [notation, value] of Object.entries({
  hexadecimal: peer.spkiSha256.toLowerCase(),
  'hexadecimal with colons': peer.spkiSha256.match(/../g)!.join(':'),
  'hexadecimal with an invisible mark': `\u200e${peer.spkiSha256}`,
  base64: bytes.toString('base64'),
  'unpadded base64': bytes.toString('base64').replace('=', ''),
  base64url: bytes.toString('base64url'),
  'the notation of curl': `sha256//${bytes.toString('base64')}`,
}))
  test(`a key is known by its pin in ${notation}, whoever signed the certificate`, async (t) => {
    const secret = pinned(value)
    t.deepEqual(validator.inspect?.(secret), { lookupKeys: [`x509-spki:${peer.spkiSha256}`] })
    t.deepEqual(await validator.validate(anAttempt(credential, [secret])), {
      ok: true,
      secret,
      method: 'self_signed_tls_client_auth',
      confirmation: { 'x5t#S256': peer.x5tS256 },
    })
  })

test('another key is refused, with both pins', async (t) => {
  const secret = pinned('AB'.repeat(32))
  t.like(await validator.validate(anAttempt(credential, [secret])), {
    ok: false,
    reason: 'cert-key-unknown',
    got: `public key ${peer.spkiSha256}`,
    considered: [{ secret, want: 'AB'.repeat(32) }],
  })
})

test('the dates of the certificate count', async (t) => {
  const secret = pinned(peer.spkiSha256)
  for (const [now, reason] of [
    [new Date('2022-05-02T12:37:10Z'), 'cert-expired'],
    [new Date('2018-10-18T12:37:08Z'), 'cert-not-yet-valid'],
    [new Date(Number.NaN), 'cert-expired'],
  ] as const)
    t.like(await validator.validate(anAttempt(credential, [secret], { now })), {
      ok: false,
      reason,
      considered: [{ secret, reason }],
    })
})

test('what is no SHA-256 is a fault', (t) => {
  for (const value of [
    '',
    'pin',
    peer.thumbprintSha1,
    `${peer.spkiSha256}00`,
    bytes.toString('base64').slice(1),
    `${'A'.repeat(42)}B=`,
    'x'.repeat(1000),
    '-----BEGIN PUBLIC KEY-----',
  ])
    t.truthy(validator.inspect?.(pinned(value)).fault, value)
})

test('a certificate whose key cannot be read has no pin', async (t) => {
  const broken = { kind: 'certificate', peer: aPeer({ spkiSha256: '' }) } as const
  for (const secret of [pinned(peer.spkiSha256), pinned('')])
    t.like(await validator.validate(anAttempt(broken, [secret])), { ok: false })
})
