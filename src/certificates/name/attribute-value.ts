import { isAscii, isUtf8 } from 'node:buffer'

import { writeDer } from '../der/write-der.ts'
import { contentOf, encodingOf } from '../path/der.ts'
import type { DerElement } from '../path/der.ts'
import type { NameAttribute, StringType, TextAttribute } from './distinguished-name.ts'

interface StringCodec {
  readonly tag: number
  /** `undefined`: the type does not allow these octets. */
  decode(content: Buffer): string | undefined
  encode(text: string): Buffer
}

const ascii = (tag: number): StringCodec => ({
  tag,
  decode: (content) => (isAscii(content) ? content.toString('latin1') : undefined),
  encode: (text) => Buffer.from(text, 'latin1'),
})

const CODECS: Readonly<Record<StringType, StringCodec>> = {
  UTF8String: {
    tag: 0x0c,
    decode: (content) => (isUtf8(content) ? content.toString('utf8') : undefined),
    encode: (text) => Buffer.from(text, 'utf8'),
  },
  NumericString: ascii(0x12),
  PrintableString: ascii(0x13),
  // T.61 has escape sequences; every implementation in use reads it as Latin-1.
  TeletexString: {
    tag: 0x14,
    decode: (content) => content.toString('latin1'),
    encode: (text) => Buffer.from(text, 'latin1'),
  },
  IA5String: ascii(0x16),
  VisibleString: ascii(0x1a),
  UniversalString: {
    tag: 0x1c,
    decode: decodeUniversal,
    encode: (text) => {
      const points = [...text].map((character) => character.codePointAt(0) ?? 0)
      const content = Buffer.alloc(points.length * 4)
      for (const [index, point] of points.entries()) content.writeUInt32BE(point, index * 4)
      return content
    },
  },
  BMPString: {
    tag: 0x1e,
    decode: (content) => {
      if (content.length % 2 !== 0) return undefined
      const text = Buffer.from(content).swap16().toString('utf16le')
      return text.isWellFormed() ? text : undefined
    },
    encode: (text) => Buffer.from(text, 'utf16le').swap16(),
  },
}

const BY_TAG = new Map(
  Object.entries(CODECS).map(([stringType, codec]) => [
    codec.tag,
    { stringType: stringType as StringType, codec },
  ]),
)

/** An attribute from its type and the element that is its value. */
export function decodeAttribute(type: string, value: DerElement): NameAttribute {
  const known = BY_TAG.get(value.tag)
  const text = known?.codec.decode(asBuffer(contentOf(value)))
  if (known === undefined || text === undefined) return { type, der: encodingOf(value) }
  return { type, text, stringType: known.stringType }
}

/**
 * The DER of an attribute's value. A text of no stated type gets the type that RFC 5280 wants for it.
 * @throws TypeError for a text that its type cannot hold
 */
export function encodeAttributeValue(attribute: NameAttribute): Buffer {
  if ('der' in attribute) return asBuffer(attribute.der)
  const stringType = attribute.stringType ?? usualStringType(attribute)
  const { tag, encode, decode } = CODECS[stringType]
  const content = encode(attribute.text)
  if (decode(content) !== attribute.text) throw new TypeError(`no text for a ${stringType}`)
  return writeDer(tag, content)
}

const PRINTABLE = /^[A-Za-z0-9 '()+,./:=?-]*$/

// RFC 5280 appendix A: country, serial number and qualifier are printable, mail and domain are IA5.
const USUAL: Readonly<Record<string, StringType>> = {
  '2.5.4.5': 'PrintableString',
  '2.5.4.6': 'PrintableString',
  '2.5.4.46': 'PrintableString',
  '0.9.2342.19200300.100.1.25': 'IA5String',
  '1.2.840.113549.1.9.1': 'IA5String',
}

function usualStringType({ type, text }: TextAttribute): StringType {
  const usual = USUAL[type]
  if (usual === 'PrintableString' && PRINTABLE.test(text)) return usual
  if (usual === 'IA5String' && isAscii(Buffer.from(text))) return usual
  return 'UTF8String'
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function decodeUniversal(content: Buffer): string | undefined {
  if (content.length % 4 !== 0) return undefined
  const characters: string[] = []
  for (let at = 0; at < content.length; at += 4) {
    const point = content.readUInt32BE(at)
    if (point > 0x10_ff_ff || (point >= 0xd800 && point <= 0xdfff)) return undefined
    characters.push(String.fromCodePoint(point))
  }
  return characters.join('')
}
