import type { Refusal } from '#contract'
import {
  childrenOf,
  contentOf,
  contextTag,
  DerFault,
  DerReader,
  encodingOf,
  expectTag,
  readWhole,
  tags,
} from './der.ts'
import type { DerElement } from './der.ts'
import { hexOf, readIntegerOctets, readOctetAlignedBits, readOid, readTime } from './der-values.ts'
import { readRawExtensions } from './raw-extension.ts'
import { defaultPathLimits, revocationLimits } from './limits.ts'
import { parseCertificate } from './parse-certificate.ts'
import type { ParsedCertificate } from './parse-certificate.ts'
import { readRdnSequence } from './rdn-sequence.ts'
import { readSignatureAlgorithm } from './signature.ts'
import type { Signed } from './signature.ts'

/** A basic OCSP response (RFC 6960 §4.2.1). Immutable; not yet verified. */
export interface OcspAnswer extends Signed {
  /** By the key of a name, or by the SHA-1 of a public key, hexadecimal. */
  readonly responder: { readonly nameKey: string } | { readonly keyHash: string }
  readonly singles: readonly OcspSingle[]
  /** What the responder sent along. */
  readonly certificates: readonly ParsedCertificate[]
  /** A critical extension of the response, which we know nothing of. */
  readonly unknownCritical?: string
}

/** What an answer says about one certificate. */
export interface OcspSingle {
  readonly hashAlgorithm: string
  /** Hexadecimal, as the serial number. */
  readonly issuerNameHash: string
  readonly issuerKeyHash: string
  readonly serial: string
  readonly status: 'good' | 'revoked' | 'unknown'
  /** Milliseconds since 1970. */
  readonly thisUpdate: number
  readonly nextUpdate?: number
  readonly unknownCritical?: string
}

export type OcspReading =
  | { readonly ok: true; readonly answer: OcspAnswer }
  | (Refusal & { readonly ok: false })

const basicResponse = '1.3.6.1.5.5.7.48.1.1'

/** Reads an OCSPResponse: `ocsp-too-large`, `ocsp-malformed`, or `ocsp-failed` when it is an error. */
export function parseOcsp(der: Uint8Array): OcspReading {
  if (der.length > revocationLimits.ocspBytes) {
    return { ok: false, reason: 'ocsp-too-large', got: `${der.length} bytes` }
  }
  try {
    return readResponse(der)
  } catch (error) {
    if (!(error instanceof DerFault)) throw error
    return { ok: false, reason: 'ocsp-malformed', got: error.message }
  }
}

function readResponse(der: Uint8Array): OcspReading {
  const outer = new DerReader(readWhole(der, tags.sequence))
  const status = hexOf(contentOf(outer.take(tags.enumerated)))
  const bytes = outer.optional(contextTag(0, true))
  outer.finish()
  if (status !== '00' || bytes === undefined) {
    return { ok: false, reason: 'ocsp-failed', got: `response status ${status}` }
  }
  const inner = new DerReader(inside(bytes, tags.sequence))
  const type = readOid(inner.take(tags.oid))
  const response = contentOf(inner.take(tags.octetString))
  inner.finish()
  if (type !== basicResponse) return { ok: false, reason: 'ocsp-failed', got: `type ${type}` }
  return { ok: true, answer: readBasic(response) }
}

function readBasic(der: Uint8Array): OcspAnswer {
  const outer = new DerReader(readWhole(der, tags.sequence))
  const tbs = outer.take(tags.sequence)
  const signatureAlgorithm = readSignatureAlgorithm(outer.take(tags.sequence))
  const signature = readOctetAlignedBits(outer.take(tags.bitString))
  const certificates = outer.optional(contextTag(0, true))
  outer.finish()

  const data = new DerReader(tbs)
  data.optional(contextTag(0, true))
  const responder = readResponder(data.next())
  // producedAt is read and means nothing: thisUpdate and nextUpdate say when the status holds.
  readTime(data.take(tags.generalizedTime))
  const singles = childrenOf(data.take(tags.sequence), revocationLimits.ocspAnswers).map(readSingle)
  const critical = criticalIn(data.optional(contextTag(1, true)))
  data.finish()
  return {
    tbs: encodingOf(tbs),
    signatureAlgorithm,
    signature,
    responder,
    singles,
    certificates: readCertificates(certificates),
    ...(critical !== undefined && { unknownCritical: critical }),
  }
}

/** The one element inside an explicit tag. */
function inside(element: DerElement, tag: number): DerElement {
  const reader = new DerReader(element)
  const inner = reader.take(tag)
  reader.finish()
  return inner
}

function readResponder(element: DerElement): OcspAnswer['responder'] {
  if (element.tag === contextTag(1, true)) {
    const name = readRdnSequence(inside(element, tags.sequence), defaultPathLimits.names)
    return { nameKey: name.key }
  }
  if (element.tag !== contextTag(2, true)) throw new DerFault('unexpected type')
  return { keyHash: hexOf(contentOf(inside(element, tags.octetString))) }
}

/** Certificates that cannot be read are left out: they cannot have signed anything that counts. */
function readCertificates(element: DerElement | undefined): ParsedCertificate[] {
  if (element === undefined) return []
  const list = childrenOf(inside(element, tags.sequence), revocationLimits.ocspCertificates)
  return list.flatMap((encoded) => {
    const reading = parseCertificate(encodingOf(encoded), defaultPathLimits.caBytes)
    return reading.ok ? [reading.certificate] : []
  })
}

const statuses: Readonly<Record<number, OcspSingle['status']>> = {
  [contextTag(0)]: 'good',
  [contextTag(1, true)]: 'revoked',
  [contextTag(2)]: 'unknown',
}

function readSingle(element: DerElement): OcspSingle {
  const reader = new DerReader(expectTag(element, tags.sequence))
  const id = new DerReader(reader.take(tags.sequence))
  const hashAlgorithm = readOid(new DerReader(id.take(tags.sequence)).take(tags.oid))
  const issuerNameHash = hexOf(contentOf(id.take(tags.octetString)))
  const issuerKeyHash = hexOf(contentOf(id.take(tags.octetString)))
  const serial = hexOf(readIntegerOctets(id.take(tags.integer)))
  id.finish()
  const status = statuses[reader.next().tag]
  if (status === undefined) throw new DerFault('unknown certificate status')
  const thisUpdate = readTime(reader.take(tags.generalizedTime))
  const next = reader.optional(contextTag(0, true))
  // Neither archiveCutoff nor the others of RFC 6960 §4.4 is ever critical.
  const critical = criticalIn(reader.optional(contextTag(1, true)))
  reader.finish()
  return {
    hashAlgorithm,
    issuerNameHash,
    issuerKeyHash,
    serial,
    status,
    thisUpdate,
    ...(next && { nextUpdate: readTime(inside(next, tags.generalizedTime)) }),
    ...(critical !== undefined && { unknownCritical: critical }),
  }
}

function criticalIn(element: DerElement | undefined): string | undefined {
  if (element === undefined) return undefined
  const extensions = readRawExtensions(inside(element, tags.sequence), 16)
  return extensions.find(({ critical }) => critical)?.oid
}
