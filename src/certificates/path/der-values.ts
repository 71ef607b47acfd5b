import { decodeObjectIdentifier } from '../der/object-identifier.ts'
import { contentOf, DerFault, tags } from './der.ts'
import type { DerElement } from './der.ts'

/** BOOLEAN; DER knows 00 and FF only (X.690 §11.1). */
export function readBoolean(element: DerElement): boolean {
  const value = element.source[element.content]
  if (element.end - element.content !== 1 || (value !== 0 && value !== 0xff)) {
    throw new DerFault('malformed boolean')
  }
  return value === 0xff
}

/** The octets of an INTEGER, minimally encoded as DER demands, so equal octets are equal numbers. */
export function readIntegerOctets(element: DerElement): Uint8Array {
  const octets = contentOf(element)
  const [first, second] = octets
  if (first === undefined) throw new DerFault('empty integer')
  if (
    second !== undefined &&
    ((first === 0 && second < 0x80) || (first === 0xff && second > 0x7f))
  ) {
    throw new DerFault('integer is not minimal')
  }
  return octets
}

/** A small non-negative INTEGER. What exceeds 2^31 counts as 2^31: nothing here counts that far. */
export function readCount(element: DerElement): number {
  const octets = readIntegerOctets(element)
  if ((octets[0] ?? 0) > 0x7f) throw new DerFault('negative count')
  let value = 0
  for (const octet of octets) value = Math.min(value * 256 + octet, 2 ** 31)
  return value
}

/** A non-negative INTEGER of up to 20 octets (cRLNumber, RFC 5280 §5.2.3). */
export function readBigCount(element: DerElement): bigint {
  const octets = readIntegerOctets(element)
  if ((octets[0] ?? 0) > 0x7f) throw new DerFault('negative count')
  if (octets.length > 21) throw new DerFault('number is too long')
  return BigInt(`0x${hexOf(octets)}`)
}

/** Lower-case hexadecimal. */
export function hexOf(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('hex')
}

/** An object identifier in dotted notation. */
export function readOid(element: DerElement): string {
  return decodeObjectIdentifier(contentOf(element))
}

/** The octets of a BIT STRING that is a whole number of octets: a key, a signature. */
export function readOctetAlignedBits(element: DerElement): Uint8Array {
  const octets = contentOf(element)
  if (octets[0] !== 0) throw new DerFault('malformed bit string')
  return octets.subarray(1)
}

/** A BIT STRING of named bits (X.690 §11.2.2): bit n of the result is named bit n; at most 16 bits. */
export function readNamedBits(element: DerElement): number {
  const [unused, ...octets] = contentOf(element)
  const last = octets.at(-1) ?? 0
  if (unused === undefined || unused > 7 || octets.length > 2) {
    throw new DerFault('malformed bit string')
  }
  if ((octets.length === 0 && unused !== 0) || (last & ((1 << unused) - 1)) !== 0) {
    throw new DerFault('malformed bit string')
  }
  let bits = 0
  octets.forEach((octet, index) => {
    for (let bit = 0; bit < 8; bit++) if (octet & (0x80 >> bit)) bits |= 1 << (index * 8 + bit)
  })
  return bits
}

const digits = /^(\d{2,4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/

/** UTCTime or GeneralizedTime in the form of RFC 5280 §4.1.2.5. @returns milliseconds since 1970. */
export function readTime(element: DerElement): number {
  const length = { [tags.utcTime]: 13, [tags.generalizedTime]: 15 }[element.tag]
  if (length === undefined || element.end - element.content !== length) {
    throw new DerFault('malformed time')
  }
  const parts = digits.exec(latin1Of(contentOf(element)))
  if (parts === null) throw new DerFault('malformed time')
  const [short = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = parts
    .slice(1)
    .map(Number)
  // Two digits mean 1950 to 2049.
  const year = element.tag === tags.generalizedTime ? short : short + (short < 50 ? 2000 : 1900)
  const date = new Date(0)
  date.setUTCFullYear(year, month - 1, day)
  date.setUTCHours(hour, minute, second)
  const real =
    date.getUTCMonth() === month - 1 &&
    date.getUTCDate() === day &&
    hour < 24 &&
    minute < 60 &&
    second < 60
  if (!real) throw new DerFault('no such time')
  return date.getTime()
}

/** One character for each octet. */
export function latin1Of(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1')
}
