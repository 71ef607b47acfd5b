import type { X509Certificate } from 'node:crypto'

import { OctetString } from 'asn1js'
import { AltName, Certificate } from 'pkijs'
import type { GeneralName } from 'pkijs'

import { addressText } from './address-octets.ts'
import { EXTENDED_KEY_USAGES } from './issued-extensions.ts'

export interface SubjectAltName {
  readonly type: 'DNS' | 'URI' | 'IP' | 'e-mail' | 'other'
  readonly value: string
}

/** What the extensions say a certificate stands for. */
export interface CertificateUses {
  readonly subjectAltNames: readonly SubjectAltName[]
  /** Words or object identifiers; absent: any purpose. */
  readonly extendedKeyUsage?: readonly string[]
  /** The subject alternative names could not be read. */
  readonly damaged: boolean
}

const SUBJECT_ALT_NAME = '2.5.29.17'
const PURPOSES = new Map(Object.entries(EXTENDED_KEY_USAGES).map(([word, oid]) => [oid, word]))

/** Reads the uses of a certificate, for display. */
export function certificateUses(x509: X509Certificate): CertificateUses {
  // The declarations call it present always; without the extension there is none.
  const { keyUsage } = x509 as { readonly keyUsage?: readonly string[] }
  const names = readAltNames(x509)
  return {
    subjectAltNames: names ?? [],
    ...(keyUsage && { extendedKeyUsage: keyUsage.map((oid) => PURPOSES.get(oid) ?? oid) }),
    damaged: names === undefined,
  }
}

function readAltNames(x509: X509Certificate): readonly SubjectAltName[] | undefined {
  try {
    const { extensions = [] } = Certificate.fromBER(Uint8Array.from(x509.raw))
    const found = extensions.find(({ extnID }) => extnID === SUBJECT_ALT_NAME)
    if (found === undefined) return []
    const value: unknown = found.parsedValue
    if (!(value instanceof AltName) || 'parsingError' in value) return undefined
    return value.altNames.map(altName)
  } catch {
    // The library throws errors of many kinds; to the reader they all mean this.
    return undefined
  }
}

const TEXT_TYPES: Readonly<Record<number, SubjectAltName['type']>> = {
  1: 'e-mail',
  2: 'DNS',
  6: 'URI',
}

function altName({ type, value }: GeneralName): SubjectAltName {
  const held: unknown = value
  const textType = TEXT_TYPES[type]
  if (textType && typeof held === 'string') return { type: textType, value: held }
  if (type === 7 && held instanceof OctetString) {
    return { type: 'IP', value: addressText(held.valueBlock.valueHexView) }
  }
  return { type: 'other', value: `of kind ${type}` }
}
