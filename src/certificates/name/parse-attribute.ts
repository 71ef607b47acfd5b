import { isUtf8 } from 'node:buffer'

import { encodeObjectIdentifier } from '../der/object-identifier.ts'
import { DerFault, readElement } from '../path/der.ts'
import { attributeTypeOf } from './attribute-types.ts'
import { decodeAttribute } from './attribute-value.ts'
import type { NameAttribute } from './distinguished-name.ts'
import { NameFault } from './name-fault.ts'

/** A word or a number, `OID.` before it or not. */
export const ATTRIBUTE_TYPE = String.raw`(?:OID\.)?\d[\d.]*|[A-Za-z][A-Za-z\d-]*`

/** The object identifier of a written attribute type. @throws NameFault */
export function parseAttributeType(written: string, at: number): string {
  const number = written.replace(/^OID\./i, '')
  const type = attributeTypeOf(written) ?? (encodeObjectIdentifier(number) && number)
  if (type !== undefined) return type
  const shown = written.slice(0, 40)
  if (/^(subject|issuer)$/i.test(written)) throw new NameFault(at, `leave out "${shown}="`)
  throw new NameFault(
    at,
    `"${shown}" is not a known attribute type; any type can be written as its number, as in 2.5.4.3=`,
  )
}

/** An attribute whose value is written as `#` and the hexadecimal digits of its DER. @throws NameFault */
export function parseDerValue(type: string, digits: string, at: number): NameAttribute {
  const der = Buffer.from(digits, 'hex')
  const advice = String.raw`if the # belongs to the value, write \# or put the value in quotes`
  if (der.length * 2 !== digits.length) throw new NameFault(at, `no DER in hexadecimal; ${advice}`)
  try {
    const value = readElement(der, 0, der.length)
    if (value.end === der.length) return decodeAttribute(type, value)
  } catch (error) {
    if (!(error instanceof DerFault)) throw error
  }
  throw new NameFault(at, `what follows # is not DER; ${advice}`)
}

/** The text of octets that were written as escapes. @throws NameFault */
export function parseEscapedOctets(digits: string, at: number): string {
  const octets = Buffer.from(digits, 'hex')
  if (!isUtf8(octets)) throw new NameFault(at, 'the escaped octets are not UTF-8')
  return octets.toString('utf8')
}
