import test from 'ava'

import { names } from '../../src/certificates/names.ts'

function keyOf(text: string): string {
  const reading = names.read(text)
  if (reading.ok) return reading.key
  throw new Error(`${text}: ${reading.fault}`)
}

const SAME: Readonly<Record<string, readonly string[]>> = {
  'all notations and both orders are one name': [
    'CN=api, O=bank, C=DE',
    'CN=api,O=bank,C=DE',
    'C = DE, O = bank, CN = api',
    'C=DE, O=bank, CN=api',
    '/C=DE/O=bank/CN=api',
    '/CN=api/O=bank/C=DE',
    ' CN = api ; O = bank ;C=DE ',
    String.raw`CN=api,O="bank",C=\44E`,
    '\n/C=DE/O=bank/CN=api\n',
  ],
  'words of all notations mean the same attribute': [
    'S=x, E=a@b, G=g, SERIALNUMBER=1, OID.0.9.2342.19200300.100.1.1=u',
    'ST=x,emailAddress=a@b,GN=g,serialNumber=1,UID=u',
    '2.5.4.8=x,1.2.840.113549.1.9.1=a@b,2.5.4.42=g,2.5.4.5=1,userId=u',
    'stateOrProvinceName=x,email=a@b,givenName=g,oid.2.5.4.5=1,uid=u',
    '/UID=u/serialNumber=1/GN=g/emailAddress=a@b/ST=x',
  ],
  'case, spacing, width and composition of a known attribute do not count': [
    'CN=Stra\u00dfe  \u010c, O=X',
    'CN=\\  STRASSE\u00a0\u010d  ,O=x',
    'CN=" strasse C\u030c ",O=\uff38',
    'cn=strasse \\C4\\8D,o=x',
    'CN=\u{1d412}traSSe \u010c, O=X',
  ],
  'the attributes of a step have no order': ['CN=a+OU=b,O=c', 'OU=b + CN=a, O=c', '/O=c/CN=a+OU=b'],
  'a value in DER is the value': [
    'CN=abc',
    'CN=#0c03616263',
    'CN = #1303616263',
    'CN=#1E06006100620063',
    '/CN=#0C03616263',
  ],
  'quotes may be doubled or escaped': [
    'CN="a ""b"", c", O=x',
    String.raw`CN=a \"b\"\, c,O=x`,
    String.raw`O = x, CN = "a \"b\", c"`,
    String.raw`/O=x/CN=a "b", c`,
  ],
  'a backslash that begins no escape stands for itself': [
    String.raw`CN=CORP\svc, O=x`,
    String.raw`CN=CORP\\svc,O=x`,
    String.raw`O = x, CN = CORP\\svc`,
    String.raw`/O=x/CN=CORP\svc`,
  ],
  'in quotes a backslash escapes only a quote and itself': [
    String.raw`CN="a\,b", O=x`,
    String.raw`CN=a\\\,b,O=x`,
  ],
  'slashes and pluses in a value of the slash notation': [
    '/O=x/CN=host/a+b',
    String.raw`/O=x/CN=host\/a\+b`,
    String.raw`/O=x/CN=host\x2Fa\x2bb`,
    String.raw`CN=host/a\+b,O=x`,
  ],
  'empty values stand': ['CN=,O=x', 'CN="", O=x', '/O=x/CN=', 'CN= ,O=x'],
}

for (const [title, texts] of Object.entries(SAME)) {
  test(title, (t) => {
    for (const text of texts) t.is(keyOf(text), keyOf(texts[0] ?? ''), text)
  })
}

const DIFFERENT: Readonly<Record<string, readonly string[]>> = {
  'neither part of a name nor a permutation is the name': [
    'CN=api,OU=x,O=bank',
    'OU=x,CN=api,O=bank',
    'CN=api,O=bank',
    'CN=api+O=bank',
    'CN=api',
    'CN=api,CN=api',
    'CN=ap',
    'O=api,CN=bank',
  ],
  'control and invisible characters never vanish': [
    'CN=api',
    String.raw`CN=api\00`,
    String.raw`CN=api\0A`,
    String.raw`CN=\09api`,
    'CN=a\u00adpi',
    'CN=api\u200b',
    'CN=ap\u0131',
    'CN=\u0430pi',
  ],
  'separators inside a value separate nothing': [
    String.raw`CN=api\,O=bank`,
    'CN="api, O=bank"',
    'CN="api\nO=bank"',
    String.raw`/CN=api\/O=bank`,
    String.raw`CN=api\+O=bank`,
    'CN=api,O=bank',
    String.raw`CN=7:api\,2.5.4.10=4:bank`,
    String.raw`O=bank\,2.5.4.3=api`,
    String.raw`O=bank\+2.5.4.3=api`,
    'CN=api+O=bank',
  ],
  'a type without a word compares character by character': [
    '1.2.3=a',
    '1.2.3=A',
    '1.2.3=" a"',
    'CN=a',
  ],
  'values that are no strings compare by their DER': ['CN=#0101ff', 'CN=#010100', 'CN=#0201ff'],
}

for (const [title, texts] of Object.entries(DIFFERENT)) {
  test(title, (t) => {
    t.is(new Set(texts.map(keyOf)).size, texts.length)
  })
}

const FAULTS: readonly (readonly [text: string, fault: RegExp])[] = [
  ['', /^character 1: the name is empty$/],
  [' \n', /^character 1: the name is empty$/],
  ['api', /^character 1: expected an attribute/],
  ['CN', /^character 1: expected an attribute/],
  ['O=Foo, Inc., C=DE', /^character 8: expected an attribute after the separator; a comma/],
  ['CN=a,', /^character 6: expected an attribute/],
  ['CN=a,,O=b', /^character 6: expected an attribute/],
  ['CN=a, XY=b', /^character 7: "XY" is not a known attribute type/],
  ['subject=CN=a', /^character 1: leave out "subject="$/],
  ['CN="a, O=b', /^character 4: this quote is never closed$/],
  ['CN="a" b', /^character 8: expected a comma here/],
  ['CN=a "b"', /^character 6: a quote inside a value/],
  ['CN=#1 server', /^character 4: no DER in hexadecimal/],
  ['CN=#0c05616263', /^character 4: what follows # is not DER/],
  ['CN=#0c0361626300', /^character 4: what follows # is not DER/],
  ['1.2.03=a', /^character 1: "1.2.03" is not a known/],
  ['3.1=a', /^character 1: "3.1" is not a known/],
  ['CN="\\C4\\C4", O="b', /^character 16: this quote is never closed$/],
  ['/api', /^character 1: expected \/CN=name$/],
  [' /O=x/XY=y', /^character 7: "XY" is not a known attribute type/],
  ['/O=x/CN=\\xFF', /^character 9: the escaped octets are not UTF-8$/],
  ['CN=\ud800', /^character 1: half a character/],
  ['CN=a'.padEnd(70_000, 'a'), /^character 65537: the name is too long$/],
  [Array.from({ length: 257 }, () => 'CN=a').join(','), /too many attributes$/],
  ['/CN=a'.repeat(257), /too many attributes$/],
]

for (const [text, fault] of FAULTS) {
  test(`${JSON.stringify(text.slice(0, 30))} is refused with the place and the remedy`, (t) => {
    const reading = names.read(text)
    t.false(reading.ok)
    if (!reading.ok) t.regex(reading.fault, fault)
  })
}

test('long runs of spaces and separators are read without delay', (t) => {
  const run = ' '.repeat(65_000)
  t.is(keyOf(`CN=a${run}b`), keyOf('CN=a b'))
  t.is(keyOf(`CN="${run}"`), keyOf('CN='))
  t.false(names.read('\\'.repeat(65_001)).ok)
  t.false(names.read('/'.repeat(65_000)).ok)
  t.false(names.read(`CN=${'\\41'.repeat(21_000)}"`).ok)
})
