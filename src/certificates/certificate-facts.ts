import { hash } from 'node:crypto'
import type { KeyObject, X509Certificate } from 'node:crypto'

import { certificateFields } from './certificate-fields.ts'
import { certificateUses } from './certificate-uses.ts'
import type { CertificateUses } from './certificate-uses.ts'
import { LazyName } from './lazy-name.ts'
import type { NameNotation } from './name/distinguished-name.ts'
import { DerFault } from './path/der.ts'
import { peerCertificate } from './peer-certificate.ts'

export type NameForms = Readonly<Record<NameNotation, string>>

/** What a certificate says, whatever the time. */
export interface CertificateFacts extends CertificateUses {
  /** All empty when the certificate has no name, or none that can be read. */
  readonly subject: NameForms
  readonly issuer: NameForms
  readonly serialNumber: string
  readonly thumbprintSha1: string
  readonly thumbprintSha256: string
  readonly x5tS256: string
  /** Base64 of SHA-256 over the SubjectPublicKeyInfo: the same after a renewal with the same key. */
  readonly spkiPin: string
  readonly notBefore: Date
  readonly notAfter: Date
  readonly selfSigned: boolean
  readonly ca: boolean
  /** `EC P-256`, `RSA 2048`, `Ed25519`. */
  readonly key: string
  readonly signatureAlgorithm: string
}

/** Reads the facts of a certificate; what cannot be read is empty. */
export function certificateFacts(x509: X509Certificate): CertificateFacts {
  const peer = peerCertificate(x509)
  const fields = fieldsOf(peer.raw)
  const key = publicKeyOf(x509)
  return {
    subject: nameForms(fields?.subject),
    issuer: nameForms(fields?.issuer),
    serialNumber: x509.serialNumber,
    thumbprintSha1: peer.thumbprintSha1,
    thumbprintSha256: peer.thumbprintSha256,
    x5tS256: peer.x5tS256,
    spkiPin: fields ? hash('sha256', fields.subjectPublicKeyInfo, 'base64') : '',
    notBefore: peer.notBefore,
    notAfter: peer.notAfter,
    selfSigned: key !== undefined && x509.subject === x509.issuer && x509.verify(key),
    ca: x509.ca,
    key: keyName(key),
    signatureAlgorithm: x509.signatureAlgorithm ?? 'unknown',
    ...certificateUses(x509),
  }
}

function fieldsOf(der: Uint8Array) {
  try {
    return certificateFields(der)
  } catch (error) {
    if (error instanceof DerFault) return undefined
    throw error
  }
}

function nameForms(der: Uint8Array | undefined): NameForms {
  const name = new LazyName(der)
  return {
    dotnet: name.dotnet,
    rfc4514: name.rfc4514,
    openssl: name.openssl,
    slash: name.render('slash'),
  }
}

function publicKeyOf(x509: X509Certificate): KeyObject | undefined {
  try {
    return x509.publicKey
  } catch {
    // OpenSSL does not know the algorithm, or the key is no key of it.
    return undefined
  }
}

const KEY_NAMES: Readonly<Record<string, string>> = {
  rsa: 'RSA',
  'rsa-pss': 'RSA-PSS',
  ec: 'EC',
  dsa: 'DSA',
  ed25519: 'Ed25519',
  ed448: 'Ed448',
}
const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
}

function keyName(key: KeyObject | undefined): string {
  const type = key?.asymmetricKeyType
  if (type === undefined) return 'unknown'
  const { modulusLength, namedCurve } = key?.asymmetricKeyDetails ?? {}
  const size = modulusLength ?? (namedCurve && (CURVES[namedCurve] ?? namedCurve))
  return [KEY_NAMES[type] ?? type, size].filter(Boolean).join(' ')
}
