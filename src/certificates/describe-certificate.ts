import { certificateFacts } from './certificate-facts.ts'
import type { CertificateFacts } from './certificate-facts.ts'
import { certificateWarnings } from './certificate-warnings.ts'
import type { CertificateWarning } from './certificate-warnings.ts'
import { proposedSecrets } from './proposed-secrets.ts'
import type { ProposedSecret } from './proposed-secrets.ts'
import { readCertificate } from './read-certificate.ts'
import type { CertificateFault } from './read-certificate.ts'

/** All that somebody who registers a certificate wants to know of it. */
export interface CertificateDescription {
  readonly facts: CertificateFacts
  readonly validity: 'valid' | 'expired' | 'not-yet-valid'
  /** How many further certificates the file holds. */
  readonly others: number
  readonly warnings: readonly CertificateWarning[]
  readonly clientSecrets: readonly ProposedSecret[]
}

/** Describes the first certificate of a file (PEM, DER, DER in base64) as it is at the moment `now`. */
export function describeCertificate(
  bytes: Uint8Array,
  now: Date,
): ({ readonly ok: true } & CertificateDescription) | CertificateFault {
  const reading = readCertificate(bytes)
  if (!reading.ok) return reading
  const facts = certificateFacts(reading.x509)
  const beside = reading.privateKey ? [PRIVATE_KEY_BESIDE] : []
  return {
    ok: true,
    facts,
    validity: now > facts.notAfter ? 'expired' : now < facts.notBefore ? 'not-yet-valid' : 'valid',
    others: reading.others,
    warnings: [...certificateWarnings(facts, now), ...beside],
    clientSecrets: proposedSecrets(facts, reading.x509.raw, now),
  }
}

const PRIVATE_KEY_BESIDE: CertificateWarning = {
  reason: 'private-key-beside',
  message: 'the file also holds a private key: keep it from everybody but its owner',
}
