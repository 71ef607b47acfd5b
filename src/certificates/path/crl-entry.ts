import { DerFault, DerReader, readWhole, tags } from './der.ts'
import type { DerElement } from './der.ts'
import { hexOf, readIntegerOctets, readTime } from './der-values.ts'
import { readRawExtensions } from './raw-extension.ts'
import type { RawExtension } from './raw-extension.ts'
import { readGeneralNames } from './general-name.ts'
import { defaultPathLimits } from './limits.ts'

/** One revoked certificate of a CRL (RFC 5280 §5.3). */
export interface CrlEntry {
  /** Hexadecimal. */
  readonly serial: string
  /** ReasonCode; 0 when none is given. */
  readonly reason: number
  /** Key of the name in certificateIssuer, in indirect CRLs. */
  readonly certificateIssuer?: string
  readonly unknownCritical?: string
}

/** ReasonCodes that are not the end of a certificate. */
export const reasonCodes = { certificateHold: 6, removeFromCrl: 8 } as const

const extensionOids = { reason: '2.5.29.21', certificateIssuer: '2.5.29.29' } as const
const known: ReadonlySet<string> = new Set([...Object.values(extensionOids), '2.5.29.24'])

/** Reads one entry. @throws DerFault */
export function readCrlEntry(element: DerElement): CrlEntry {
  const reader = new DerReader(element)
  const serial = hexOf(readIntegerOctets(reader.take(tags.integer)))
  readTime(reader.next())
  if (reader.done) return { serial, reason: 0 }

  const extensions = readRawExtensions(reader.take(tags.sequence), 8)
  reader.finish()
  const unknown = extensions.find(({ critical, oid }) => critical && !known.has(oid))
  const issuer = extensions.find(({ oid }) => oid === extensionOids.certificateIssuer)
  const reason = extensions.find(({ oid }) => oid === extensionOids.reason)
  return {
    serial,
    reason: reason === undefined ? 0 : readReason(reason),
    ...(issuer && { certificateIssuer: readIssuer(issuer) }),
    ...(unknown && { unknownCritical: unknown.oid }),
  }
}

function readReason({ value }: RawExtension): number {
  const element = readWhole(value, tags.enumerated)
  const code = element.source[element.content]
  if (element.end - element.content !== 1 || code === undefined || code > 10 || code === 7) {
    throw new DerFault('malformed reason')
  }
  return code
}

function readIssuer({ value }: RawExtension): string {
  const names = readGeneralNames(readWhole(value, tags.sequence), defaultPathLimits.names)
  const directory = names.find((name) => name.type === 'directory')
  if (directory === undefined) throw new DerFault('certificateIssuer is no directory name')
  return directory.value.key
}
