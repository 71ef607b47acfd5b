import test from 'ava'
import * as fc from 'fast-check'

import plugin from '../../../plugins/parsers/client-secret-basic.ts'
import { aRequest } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const parser = await setUp(plugin)

function read(authorization: string, from = parser) {
  return from.parse(aRequest({ headers: { authorization } }))
}

function header(text: string): string {
  return `Basic ${Buffer.from(text).toString('base64')}`
}

/** RFC 6749 appendix B. */
function formEncode(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}

function encoded(id: string, secret: string): string {
  return header(`${formEncode(id)}:${formEncode(secret)}`)
}

for (const [id, secret] of [
  ['client', 'secret'],
  ['s6BhdRkqt3', 'gX1fBat3bV'],
  ['cl ient', 'se cret'],
  ['cl+ ient', 'se+cret'],
  ['client:urn', 'secret'],
  ['an:identifier', 'some secure & non-standard secret'],
  [' %&+', ' %&+'],
  ['clïent', 'pässwörd €'],
] as const)
  test(`the id "${id}" and the secret "${secret}" come through form-encoding unharmed`, (t) => {
    t.like(read(encoded(id, secret)), { claimedClientId: id, secret })
  })

test('any id and secret come through form-encoding unharmed', (t) => {
  const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 })
  const property = fc.property(text, text, (id, secret) => {
    fc.pre(!/\p{Cc}|\p{Cs}/u.test(id + secret))
    t.like(read(encoded(id, secret)), { claimedClientId: id, secret })
  })
  fc.assert(property)
})

test('the header of RFC 6749 §2.3.1 is read', (t) => {
  t.deepEqual(read('Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW'), {
    kind: 'shared_secret',
    claimedClientId: 's6BhdRkqt3',
    secret: 'gX1fBat3bV',
  })
})

test('the letter case of the scheme does not count', (t) => {
  for (const scheme of ['basic', 'BASIC', 'bAsIc', 'Basic  '])
    t.like(read(`${scheme} czZCaGRSa3F0MzpnWDFmQmF0M2JW`), { claimedClientId: 's6BhdRkqt3' })
})

test('it reads requests for the API too', (t) => {
  const headers = { authorization: encoded('client', 'secret') }
  t.like(parser.parse(aRequest({ purpose: 'api', headers })), { claimedClientId: 'client' })
})

test('another scheme, or none, is not its own', (t) => {
  for (const authorization of ['', 'Bearer foo', 'Basicfoo YTpi', 'Digest realm="x"', ' '])
    t.is(read(authorization), undefined)
})

test('where form-decoding makes a difference both readings are given, the strict one first', (t) => {
  t.deepEqual(read(header('client:a+b%20c')), {
    kind: 'shared_secret',
    claimedClientId: 'client',
    secret: 'a b c',
    reading: 'strict',
    alternative: {
      kind: 'shared_secret',
      claimedClientId: 'client',
      secret: 'a+b%20c',
      reading: 'raw',
    },
  })
})

test('the header is split at the first colon, before it is decoded', (t) => {
  t.like(read(header('a%3Ab:c%3Ad:e')), {
    claimedClientId: 'a:b',
    secret: 'c:d:e',
    alternative: { claimedClientId: 'a%3Ab', secret: 'c%3Ad:e' },
  })
})

for (const text of [
  'client:100%',
  'client:%zz',
  'cl%ient:secret',
  'client:%FF',
  'client:%C0%AF',
  'client:%0A',
])
  test(`"${text}" cannot have been form-encoded, so only the raw reading is given`, (t) => {
    const [id, secret] = text.split(':')
    t.deepEqual(read(header(text)), {
      kind: 'shared_secret',
      claimedClientId: id ?? '',
      secret: secret ?? '',
      reading: 'raw',
    })
  })

for (const [authorization, malformed] of [
  ['Basic', 'basic-malformed-base64'],
  ['Basic ', 'basic-malformed-base64'],
  ['Basic somerandomdata', 'basic-malformed-base64'],
  ['Basic Y2xpZW50LWJhc2ljOnNlY3JldA==!', 'basic-malformed-base64'],
  ['Basic Y2xpZW50OnNlY3JldA', 'basic-malformed-base64'],
  ['Basic Y2xpZW50OnNlY3Jl\tdA==', 'basic-malformed-base64'],
  ['Basic Y2xpZW50OnNlY3JldA== Y2xpZW50OnNlY3JldA==', 'basic-malformed-base64'],
  ['Basic client:secret', 'basic-malformed-base64'],
  [`Basic ${Buffer.from('cl\xefent:secret', 'latin1').toString('base64')}`, 'basic-malformed-utf8'],
  [header('client'), 'basic-without-colon'],
  [header('client:'), 'basic-empty-secret'],
  [header(':secret'), 'basic-empty-id'],
  [header(':'), 'basic-empty-id'],
  [header('client:sec\nret'), 'basic-control-characters'],
  [header('cli\0ent:secret'), 'basic-control-characters'],
  [header(`client:${'s'.repeat(101)}`), 'basic-secret-too-long'],
  [header(`${'c'.repeat(101)}:secret`), 'basic-id-too-long'],
  [`Basic ${'A'.repeat(808)}`, 'basic-too-long'],
] as const)
  test(`"${authorization.slice(0, 50)}" is ${malformed}`, (t) => {
    t.like(read(authorization), { malformed })
  })

test('the limits count decoded characters and are the last that fit', (t) => {
  const [id, secret] = ['+'.repeat(100), '%'.repeat(100)]
  const seen = read(encoded(id, secret))
  t.like(seen, { claimedClientId: id, secret, reading: 'strict' })
  t.false(seen !== undefined && 'alternative' in seen, 'the raw reading is too long')
  t.like(read(encoded(id, `${secret}%`)), { malformed: 'basic-too-long' })
  t.like(read(encoded(id, 's'.repeat(101))), { malformed: 'basic-secret-too-long' })
})

test('the limits can be changed', async (t) => {
  const wide = await setUp(plugin, { maxIdLength: 108, maxSecretLength: 108 })
  t.like(read(encoded('client', '€'.repeat(50)), wide), { secret: '€'.repeat(50) })
  t.like(read(encoded('client', 's'.repeat(108)), wide), { secret: 's'.repeat(108) })
  t.like(read(encoded('client', 's'.repeat(109)), wide), { malformed: 'basic-secret-too-long' })
  await t.throwsAsync(setUp(plugin, { maxIdLength: 0 }))
  await t.throwsAsync(setUp(plugin, { maxIdLenght: 100 }))
})

test('the usual slips get a hint', (t) => {
  t.like(read('Basic client:secret'), { hint: 'the client sends id:secret without encoding it' })
  t.like(read('Basic Y2xpZW50OnNlY3JldA'), {
    hint: 'unpadded base64 and base64url are not accepted',
  })
})
