import { hash } from 'node:crypto'
import type { Refusal } from '#contract'
import { anchorLimits } from './limits.ts'
import { parseCertificate } from './parse-certificate.ts'
import type { ParsedCertificate } from './parse-certificate.ts'

/** Certificates that an operator trusts to issue, parsed once and found by subject. Immutable. */
export interface AnchorSet {
  /** Equal for sets of the same certificates in the same order. */
  readonly id: string
  /** DER of all that were given, for handing the set to another thread. */
  readonly encoded: readonly Uint8Array[]
  readonly certificates: readonly ParsedCertificate[]
  /** Anchors by the key of their subject. */
  readonly bySubject: ReadonlyMap<string, readonly ParsedCertificate[]>
  /** The anchors' identities. */
  readonly identities: ReadonlySet<string>
  /** What was given and cannot be an anchor, by position. */
  readonly faults: readonly AnchorFault[]
}

export interface AnchorFault extends Refusal {
  readonly index: number
}

/**
 * Parses anchors. A faulty one is left out and reported in `faults`; whether an anchor is in its
 * validity, a CA and strong enough is judged with each path.
 */
export function createAnchorSet(ders: readonly Uint8Array[]): AnchorSet {
  const certificates: ParsedCertificate[] = []
  const faults: AnchorFault[] = []
  // Copies, so that no caller can change the bytes under the parsed views.
  const encoded = ders.map((der) => Uint8Array.from(der))
  encoded.forEach((der, index) => {
    const reading = parseCertificate(der, anchorLimits.caBytes, anchorLimits)
    if (reading.ok) certificates.push(reading.certificate)
    else faults.push({ ...reading, index })
  })
  return {
    id: hash('sha256', encoded.map((der) => hash('sha256', der)).join()),
    encoded,
    certificates,
    bySubject: Map.groupBy(certificates, (certificate) => certificate.subject.key),
    identities: new Set(certificates.map((certificate) => certificate.identity)),
    faults,
  }
}
