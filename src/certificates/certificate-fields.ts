import { childrenOf, contextTag, DerFault, encodingOf, readWhole, tags } from './path/der.ts'

/** Parts of a certificate as they are encoded, each with its tag and length. */
export interface CertificateFields {
  readonly issuer: Uint8Array
  readonly subject: Uint8Array
  readonly subjectPublicKeyInfo: Uint8Array
}

// RFC 5280 §4.1: at most version, serial number, signature, issuer, validity, subject, key, two ids, extensions.
const MAX_FIELDS = 10

/** Finds the names and the key in the DER of a certificate, without reading the rest. @throws DerFault */
export function certificateFields(der: Uint8Array): CertificateFields {
  const [signed] = childrenOf(readWhole(der, tags.sequence), 3)
  if (signed === undefined) throw new DerFault('an empty certificate')
  const fields = childrenOf(signed, MAX_FIELDS)
  const serialNumber = fields[0]?.tag === contextTag(0, true) ? 1 : 0
  const [issuer, , subject, key] = fields.slice(serialNumber + 2)
  if (!issuer || !subject || !key) throw new DerFault('a certificate cut short')
  return {
    issuer: encodingOf(issuer),
    subject: encodingOf(subject),
    subjectPublicKeyInfo: encodingOf(key),
  }
}
