import test from 'ava'

import plugin from '../../../plugins/validators/x509-thumbprint.ts'
import { aHost, anAttempt, aPeer, aSecret } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const validator = await setUp(plugin)
const peer = aPeer()
const credential = { kind: 'certificate', peer } as const
const SHA1 = peer.thumbprintSha1
const SHA256 = peer.thumbprintSha256

function registered(value: string) {
  return aSecret('X509Thumbprint', value)
}

function spaced(text: string, separator: string): string {
  return text.replaceAll(/..(?=.)/g, `$&${separator}`)
}

for (const [form, value] of [
  ['SHA-1', SHA1],
  ['SHA-256', SHA256],
  ['lower case', SHA1.toLowerCase()],
  ['colons', spaced(SHA256, ':')],
  ['spaces', spaced(SHA1.toLowerCase(), ' ')],
  ['dashes', spaced(SHA1, '-')],
  ['the invisible mark of the Windows dialog', `\u200e${SHA1}`],
  ['other invisible marks', `\ufeff${spaced(SHA1, '\u00a0')}\u200b\n`],
] as const)
  test(`a certificate is known by its thumbprint, written with ${form}`, async (t) => {
    const secret = registered(value)
    t.is(validator.inspect?.(secret).fault, undefined)
    t.deepEqual(await validator.validate(anAttempt(credential, [secret])), {
      ok: true,
      secret,
      method: 'self_signed_tls_client_auth',
      confirmation: { 'x5t#S256': 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0' },
    })
  })

test('lookup keys are those of the parser, however the thumbprint is written', (t) => {
  t.deepEqual(validator.inspect?.(registered(spaced(SHA1.toLowerCase(), ':'))).lookupKeys, [
    `x509-sha1:${SHA1}`,
  ])
  t.deepEqual(validator.inspect?.(registered(SHA256)), { lookupKeys: [`x509-sha256:${SHA256}`] })
})

test('a SHA-1 thumbprint gets a warning, unless IdentityServer is to be followed', async (t) => {
  t.regex(validator.inspect?.(registered(SHA1)).warning ?? '', /SHA-256/)
  const compatible = await setUp(plugin, {}, aHost({ compatibility: 'identityserver4' }))
  t.is(compatible.inspect?.(registered(SHA1)).warning, undefined)
})

test('another thumbprint is refused, with both sides told', async (t) => {
  const secrets = [registered('0'.repeat(40)), registered(`${SHA256.slice(0, -1)}0`)]
  t.deepEqual(await validator.validate(anAttempt(credential, secrets)), {
    ok: false,
    reason: 'cert-thumbprint-unknown',
    got: `SHA-1 ${SHA1}, SHA-256 ${SHA256}`,
    considered: secrets.map((secret) => ({
      secret,
      reason: 'cert-thumbprint-unknown',
      got: `SHA-1 ${SHA1}, SHA-256 ${SHA256}`,
      want: secret.value,
    })),
  })
})

test('one of several thumbprints suffices', async (t) => {
  const secrets = [registered('0'.repeat(40)), registered(SHA1)]
  t.like(await validator.validate(anAttempt(credential, secrets)), { ok: true, secret: secrets[1] })
})

for (const [now, reason] of [
  [new Date('2022-05-02T12:37:10Z'), 'cert-expired'],
  [new Date('2018-10-18T12:37:08Z'), 'cert-not-yet-valid'],
] as const)
  test(`the right certificate on ${now.toISOString()} is refused: ${reason}`, async (t) => {
    const secret = registered(SHA256)
    t.like(await validator.validate(anAttempt(credential, [secret], { now })), {
      ok: false,
      reason,
      considered: [{ secret, reason }],
    })
  })

test('the first and the last second of the validity count', async (t) => {
  for (const now of [peer.notBefore, peer.notAfter])
    t.like(await validator.validate(anAttempt(credential, [registered(SHA1)], { now })), {
      ok: true,
    })
})

test('dates that cannot be read are refused', async (t) => {
  const never = new Date(Number.NaN)
  for (const dates of [{ notAfter: never }, { notBefore: never }]) {
    const odd = { kind: 'certificate', peer: aPeer(dates) } as const
    t.like(await validator.validate(anAttempt(odd, [registered(SHA1)])), { ok: false })
  }
})

for (const [value, fault] of [
  ['', /hexadecimal digits/],
  [SHA1.slice(1), /hexadecimal digits/],
  [`${SHA1}00`, /hexadecimal digits/],
  ['g'.repeat(40), /hexadecimal digits/],
  ['ﬀ'.repeat(20), /hexadecimal digits/],
  [peer.x5tS256, /looks like x5t#S256/],
  ['-----BEGIN CERTIFICATE-----', /looks like a certificate/],
  ['0 '.repeat(10_000), /hexadecimal digits/],
] as const)
  test(`"${value.slice(0, 44)}" is no thumbprint`, (t) => {
    t.regex(validator.inspect?.(registered(value)).fault ?? '', fault)
  })
