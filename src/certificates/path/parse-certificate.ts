import type { Refusal } from '#contract'
import { contextTag, DerFault, DerReader, encodingOf, readElement, readWhole, tags } from './der.ts'
import type { DerElement } from './der.ts'
import {
  hexOf,
  latin1Of,
  readCount,
  readIntegerOctets,
  readOctetAlignedBits,
  readTime,
} from './der-values.ts'
import { decodeExtensions } from './extensions.ts'
import type { Extensions } from './extensions.ts'
import { defaultPathLimits } from './limits.ts'
import type { PathLimits } from './limits.ts'
import { readPublicKey } from './public-key.ts'
import type { PublicKey } from './public-key.ts'
import { readRawExtensions } from './raw-extension.ts'
import type { RawExtension } from './raw-extension.ts'
import { readRdnSequence } from './rdn-sequence.ts'
import type { RdnSequence } from './rdn-sequence.ts'
import { readSignatureAlgorithm } from './signature.ts'
import type { Signed } from './signature.ts'

/** A certificate with all that validation looks at. Immutable; its byte fields are views of `raw`. */
export interface ParsedCertificate extends Signed {
  /** The DER. */
  readonly raw: Uint8Array
  /** Equal exactly for equal DER. */
  readonly identity: string
  /** 1 to 3. */
  readonly version: number
  /** The octets of the serial number, hexadecimal. */
  readonly serial: string
  readonly issuer: RdnSequence
  readonly subject: RdnSequence
  /** Issuer and subject are the same name. */
  readonly selfIssued: boolean
  /** Milliseconds since 1970, both inclusive, to the second. */
  readonly notBefore: number
  readonly notAfter: number
  readonly publicKey: PublicKey
  readonly extensions: Extensions
  readonly rawExtensions: readonly RawExtension[]
  /** Critical extensions that we know nothing of. */
  readonly unknownCritical: readonly string[]
}

export type CertificateReading =
  | { readonly ok: true; readonly certificate: ParsedCertificate }
  | (Refusal & { readonly ok: false })

/**
 * Reads a certificate (RFC 5280 §4.1) strictly as DER: what is malformed anywhere in the fields and
 * in the extensions that validation knows is `certificate-malformed`, more octets than `maxBytes` are
 * `certificate-too-large` and not looked at. Nothing is verified here.
 */
export function parseCertificate(
  der: Uint8Array,
  maxBytes: number,
  limits: PathLimits = defaultPathLimits,
): CertificateReading {
  if (der.length > maxBytes) {
    return {
      ok: false,
      reason: 'certificate-too-large',
      got: `${der.length} bytes`,
      want: `at most ${maxBytes} bytes`,
    }
  }
  try {
    return { ok: true, certificate: readCertificate(der, limits) }
  } catch (error) {
    if (!(error instanceof DerFault)) throw error
    return { ok: false, reason: 'certificate-malformed', got: error.message }
  }
}

function readCertificate(raw: Uint8Array, limits: PathLimits): ParsedCertificate {
  const outer = new DerReader(readWhole(raw, tags.sequence))
  const tbs = outer.take(tags.sequence)
  const algorithm = outer.take(tags.sequence)
  const signature = readOctetAlignedBits(outer.take(tags.bitString))
  outer.finish()

  const fields = new DerReader(tbs)
  const version = readVersion(fields.optional(contextTag(0, true)))
  const serial = hexOf(readSerial(fields.take(tags.integer)))
  if (!sameBytes(encodingOf(fields.take(tags.sequence)), encodingOf(algorithm))) {
    throw new DerFault('inner and outer signature algorithm differ')
  }
  const issuer = readRdnSequence(fields.next(), limits.names)
  const validity = new DerReader(fields.take(tags.sequence))
  const [notBefore, notAfter] = [readTime(validity.next()), readTime(validity.next())]
  validity.finish()
  const subject = readRdnSequence(fields.next(), limits.names)
  const publicKey = readPublicKey(fields.take(tags.sequence))
  const uniqueIds = [fields.optional(contextTag(1)), fields.optional(contextTag(2))]
  if (version === 1 && uniqueIds.some((id) => id !== undefined)) {
    throw new DerFault('unique identifiers in a certificate of version 1')
  }
  const rawExtensions = readExtensionList(fields.optional(contextTag(3, true)), version)
  fields.finish()
  if (issuer.rdns.length === 0) throw new DerFault('issuer is empty')

  const { known, unknownCritical } = decodeExtensions(rawExtensions, limits)
  return {
    raw,
    identity: latin1Of(raw),
    tbs: encodingOf(tbs),
    signatureAlgorithm: readSignatureAlgorithm(algorithm),
    signature,
    version,
    serial,
    issuer,
    subject,
    selfIssued: issuer.key === subject.key,
    notBefore,
    notAfter,
    publicKey,
    extensions: known,
    rawExtensions,
    unknownCritical,
  }
}

function readVersion(element: DerElement | undefined): number {
  if (element === undefined) return 1
  const inner = new DerReader(element)
  const version = readCount(inner.take(tags.integer)) + 1
  inner.finish()
  if (version > 3) throw new DerFault(`version ${version}`)
  return version
}

const serialOctets = 20

/** Negative numbers are read as they are; they exist (RFC 5280 §4.1.2.2). */
function readSerial(element: DerElement): Uint8Array {
  const octets = readIntegerOctets(element)
  if (octets.length > serialOctets) throw new DerFault('serial number is too long')
  return octets
}

const extensionsLimit = 64

function readExtensionList(element: DerElement | undefined, version: number): RawExtension[] {
  if (element === undefined) return []
  if (version !== 3) throw new DerFault('extensions in a certificate that is not of version 3')
  const list = readElement(element.source, element.content, element.end)
  if (list.tag !== tags.sequence || list.end !== element.end) throw new DerFault('unexpected type')
  return readRawExtensions(list, extensionsLimit)
}

/** Whether two byte strings are equal. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
