import test from 'ava'

import { writeDer } from '../../src/certificates/der/write-der.ts'
import { decodeName } from '../../src/certificates/name/decode-name.ts'
import type { NameAttribute } from '../../src/certificates/name/distinguished-name.ts'
import { nameKey } from '../../src/certificates/name/name-key.ts'

const COMMON_NAME = Buffer.from('0603550403', 'hex')

/** The DER of a name with one attribute, from hexadecimal pieces. */
function nameOf(value: string, type: Uint8Array = COMMON_NAME): Buffer {
  const attribute = writeDer(0x30, type, Buffer.from(value, 'hex'))
  return writeDer(0x30, writeDer(0x31, attribute))
}

function attributeOf(value: string): NameAttribute | undefined {
  return decodeName(nameOf(value))[0]?.[0]
}

test('every string type gives its text', (t) => {
  const cases: Readonly<Record<string, string>> = {
    '0c03c3a961': 'éa',
    '130161': 'a',
    '1402e961': 'éa',
    '160161': 'a',
    '120131': '1',
    '1a0161': 'a',
    '1e0400e90061': 'éa',
    '1e04d83dde00': '\u{1f600}',
    '1c08000000610001f600': 'a\u{1f600}',
    '0c00': '',
    '0c04efbbbf61': '\ufeffa',
  }
  for (const [value, text] of Object.entries(cases)) t.like(attributeOf(value), { text }, value)
})

test('a string that its type does not allow is kept and compared as DER', (t) => {
  const values = [
    '0c01ff',
    '0c01fe',
    '0c02c080',
    '0c03eda080',
    '1301e9',
    '1601e9',
    '1e0100',
    '1e02d83d',
    '1e04d83d0061',
    '1c03000061',
    '1c0400110000',
    '1c040000d800',
    '2c030c0161',
    '030100',
  ]
  for (const value of values) {
    t.deepEqual(attributeOf(value), { type: '2.5.4.3', der: Buffer.from(value, 'hex') }, value)
  }
  t.is(new Set(values.map((value) => nameKey(decodeName(nameOf(value))))).size, values.length)
})

test('what is not the DER of a name is a fault', (t) => {
  const wrong: Readonly<Record<string, Uint8Array>> = {
    nothing: Buffer.alloc(0),
    'a step without attributes': Buffer.from('30023100', 'hex'),
    'a set in place of the sequence': Buffer.from('3100', 'hex'),
    'an attribute without a value': nameOf(''),
    'an attribute with two values': nameOf('0c01610c0161'),
    'something after the name': Buffer.concat([nameOf('0c0161'), Buffer.from([0])]),
    'a length in the long form': nameOf('0c810161'),
    'an indefinite length': Buffer.from('30800000', 'hex'),
    'a padded identifier': nameOf('0c0161', Buffer.from('060480550403', 'hex')),
    'an identifier cut short': nameOf('0c0161', Buffer.from('0603550483', 'hex')),
    'an empty identifier': nameOf('0c0161', Buffer.from('0600', 'hex')),
    'more than 64 kB': nameOf(writeDer(0x0c, Buffer.alloc(70_000, 0x61)).toString('hex')),
  }
  for (const [title, der] of Object.entries(wrong)) {
    t.throws(() => decodeName(der), { name: 'DerFault' }, title)
  }
})

test('an empty name has no steps', (t) => {
  t.deepEqual(decodeName(Buffer.from('3000', 'hex')), [])
})
