import fc from 'fast-check'

import { writeDer } from '../../src/certificates/der/write-der.ts'
import { ATTRIBUTE_TYPES } from '../../src/certificates/name/attribute-types.ts'
import type {
  DistinguishedName,
  NameAttribute,
  StringType,
} from '../../src/certificates/name/distinguished-name.ts'

// OpenSSL cuts an identifier off after 80 characters.
const oid = fc
  .tuple(
    fc.constantFrom('1.3', '2.25', '2.999'),
    fc.array(fc.bigInt({ min: 0n, max: 2n ** 100n }), { maxLength: 2 }),
  )
  .map(([root, arcs]) => [root, 1n, ...arcs].join('.'))

const type = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...ATTRIBUTE_TYPES.keys()) }, oid)

/** Text that is likely to upset a parser. */
export const awkwardText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 12 }),
  fc.string({
    unit: fc.constantFrom(
      ...',+="\\<>;#/ :\n\r\t\0xOC1aé',
      'CN=',
      '\\x41',
      '\\41',
      'ß',
      '\u{1f600}',
      '\u00ad',
    ),
    maxLength: 12,
  }),
)

const FITS: readonly (readonly [StringType, RegExp])[] = [
  ['UTF8String', /^/],
  ['UniversalString', /^/],
  ['BMPString', /^/],
  ['TeletexString', /^[\0-\u00ff]*$/],
  ['IA5String', /^[\0-\u007f]*$/],
  ['PrintableString', /^[\0-\u007f]*$/],
  ['VisibleString', /^[\0-\u007f]*$/],
  ['NumericString', /^[\d ]*$/],
]

const textAttribute = fc
  .tuple(type, awkwardText)
  .chain(([oneType, text]) =>
    fc
      .constantFrom(...FITS.filter(([, pattern]) => pattern.test(text)).map(([name]) => name))
      .map((stringType): NameAttribute => ({ type: oneType, text, stringType })),
  )

// BOOLEAN, INTEGER, BIT STRING, OCTET STRING, GeneralString, NULL.
const derValue = fc.oneof(
  fc
    .constantFrom('0101ff', '010100', '020101', '0202ff7f', '0303000102', '0500')
    .map((hex) => Buffer.from(hex, 'hex')),
  fc
    .tuple(fc.constantFrom(0x04, 0x1b), fc.uint8Array({ maxLength: 6 }))
    .map(([tag, content]) => writeDer(tag, content)),
)

const derAttribute = fc
  .tuple(type, derValue)
  .map(([oneType, der]): NameAttribute => ({ type: oneType, der }))

const attribute = fc.oneof({ weight: 6, arbitrary: textAttribute }, derAttribute)

/** Names of any attributes, string types and characters, some steps multi-valued. */
export const anyName: fc.Arbitrary<DistinguishedName> = fc.array(
  fc.array(attribute, { minLength: 1, maxLength: 3, size: '-1' }),
  { minLength: 1, maxLength: 5 },
)

/** A name without what text cannot carry: string types, and the identity of buffers. */
export function asText(name: DistinguishedName): unknown {
  return name.map((step) =>
    step.map((one) =>
      'der' in one
        ? [one.type, 'der', Buffer.from(one.der).toString('hex')]
        : [one.type, 'text', one.text],
    ),
  )
}
