import type { AltNameType, SubjectAltName } from '#contract'

import { addressText } from './address-octets.ts'
import { readAltName } from './name/alt-name.ts'
import type { GeneralName } from './path/general-name.ts'
import { defaultPathLimits } from './path/limits.ts'
import { parseCertificate } from './path/parse-certificate.ts'

/**
 * The names of a certificate (DER) that can be compared. A certificate that path validation could not read has
 * none, so one control character takes all names with it; one of several URIs has no SPIFFE ID (X509-SVID §2).
 */
export function subjectAltNames(der: Uint8Array): readonly SubjectAltName[] {
  const reading = parseCertificate(der, defaultPathLimits.leafBytes)
  const all = (reading.ok && reading.certificate.extensions.subjectAltName) || []
  const names = all.flatMap(comparable)
  const uris = all.filter(({ type }) => type === 'uri')
  return uris.length < 2 ? names : names.filter(({ key }) => !key.startsWith('uri:spiffe:'))
}

function comparable(name: GeneralName): SubjectAltName[] {
  const written = textOf(name)
  if (written === undefined) return []
  const reading = readAltName(written.type, written.text)
  return reading.ok ? [{ ...written, key: reading.key }] : []
}

function textOf(name: GeneralName): { type: AltNameType; text: string } | undefined {
  if (name.type === 'ip') return { type: 'ip', text: addressText(name.value) }
  if (name.type === 'dns' || name.type === 'uri' || name.type === 'email') {
    return { type: name.type, text: name.value }
  }
  return undefined
}
