import { setImmediate } from 'node:timers/promises'
import type { Refusal } from '#contract'
import {
  contentOf,
  contextTag,
  DerFault,
  DerReader,
  encodingOf,
  readElement,
  readWhole,
  tags,
} from './der.ts'
import type { DerElement } from './der.ts'
import { hexOf, readBigCount, readCount, readOctetAlignedBits, readTime } from './der-values.ts'
import { readRawExtensions } from './raw-extension.ts'
import type { RawExtension } from './raw-extension.ts'
import { readCrlEntry } from './crl-entry.ts'
import { readCrlScope, unlimitedScope } from './crl-scope.ts'
import type { CrlScope } from './crl-scope.ts'
import { defaultPathLimits, revocationLimits } from './limits.ts'
import { sameBytes } from './parse-certificate.ts'
import { readRdnSequence } from './rdn-sequence.ts'
import type { RdnSequence } from './rdn-sequence.ts'
import { readSignatureAlgorithm } from './signature.ts'
import type { Signed } from './signature.ts'

/** A certificate revocation list (RFC 5280 §5). Immutable; not yet verified. */
export interface ParsedCrl extends Signed {
  readonly issuer: RdnSequence
  /** Milliseconds since 1970. */
  readonly thisUpdate: number
  readonly nextUpdate?: number
  readonly number?: bigint
  /** Set for a delta CRL: the number of the CRL that it builds on. */
  readonly baseNumber?: bigint
  readonly authorityKeyId?: string
  readonly scope: CrlScope
  /** ReasonCode by serial number (see `entryKey`): constant time, whatever the size. */
  readonly entries: ReadonlyMap<string, number>
  /** Why it must not be used, whoever signed it; absent when it may be. */
  readonly unusable?: string
}

export type CrlReading =
  | { readonly ok: true; readonly crl: ParsedCrl }
  | (Refusal & { readonly ok: false })

/** Where a CRL lists a certificate. Entries of the CRL's own issuer go by the serial number alone. */
export function entryKey(serial: string, issuerKey: string, crlIssuerKey: string): string {
  return issuerKey === crlIssuerKey ? serial : `${serial}@${issuerKey}`
}

/** Reads a CRL in one go: `crl-too-large`, `crl-malformed`. For small ones and for worker threads. */
export function parseCrl(der: Uint8Array): CrlReading {
  const work = parsing(der)
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
  }
}

/** As `parseCrl`, in slices of a few milliseconds with the event loop turning in between. */
export async function parseCrlInSlices(der: Uint8Array): Promise<CrlReading> {
  const work = parsing(der)
  for (;;) {
    const step = work.next()
    if (step.done) return step.value
    // One slice after the other is the point.
    // oxlint-disable-next-line no-await-in-loop
    await setImmediate()
  }
}

function* parsing(der: Uint8Array): Generator<undefined, CrlReading, undefined> {
  if (der.length > revocationLimits.crlBytes) {
    return { ok: false, reason: 'crl-too-large', got: `${der.length} bytes` }
  }
  try {
    return { ok: true, crl: yield* readCrl(der) }
  } catch (error) {
    if (!(error instanceof DerFault)) throw error
    return { ok: false, reason: 'crl-malformed', got: error.message }
  }
}

function* readCrl(der: Uint8Array): Generator<undefined, ParsedCrl, undefined> {
  const outer = new DerReader(readWhole(der, tags.sequence))
  const tbs = outer.take(tags.sequence)
  const algorithm = outer.take(tags.sequence)
  const signature = readOctetAlignedBits(outer.take(tags.bitString))
  outer.finish()

  const fields = new DerReader(tbs)
  const versionField = fields.optional(tags.integer)
  const version = versionField === undefined ? 1 : readCount(versionField) + 1
  if (!sameBytes(encodingOf(fields.take(tags.sequence)), encodingOf(algorithm))) {
    throw new DerFault('inner and outer signature algorithm differ')
  }
  const issuer = readRdnSequence(fields.next(), defaultPathLimits.names)
  const thisUpdate = readTime(fields.next())
  const hasNext = fields.tag === tags.utcTime || fields.tag === tags.generalizedTime
  const nextUpdate = hasNext ? readTime(fields.next()) : undefined
  const list = fields.optional(tags.sequence)
  const extensions = readCrlExtensions(fields.optional(contextTag(0, true)), version)
  fields.finish()

  const known = decodeExtensions(extensions)
  const { entries, unknownCritical } = yield* readEntries(list, issuer.key, known.scope.indirect)
  const unusable =
    unknownCritical !== undefined
      ? `unknown critical entry extension ${unknownCritical}`
      : known.unusable
  return {
    tbs: encodingOf(tbs),
    signatureAlgorithm: readSignatureAlgorithm(algorithm),
    signature,
    issuer,
    thisUpdate,
    entries,
    ...known,
    ...(nextUpdate !== undefined && { nextUpdate }),
    ...(unusable !== undefined && { unusable }),
  }
}

const extensionsLimit = 32

function readCrlExtensions(element: DerElement | undefined, version: number): RawExtension[] {
  if (element === undefined) return []
  if (version !== 2) throw new DerFault('extensions in a CRL that is not of version 2')
  const list = readElement(element.source, element.content, element.end)
  if (list.tag !== tags.sequence || list.end !== element.end) throw new DerFault('unexpected type')
  return readRawExtensions(list, extensionsLimit)
}

const extensionOids = {
  authorityKeyId: '2.5.29.35',
  crlNumber: '2.5.29.20',
  deltaIndicator: '2.5.29.27',
  scope: '2.5.29.28',
} as const

const mayBeCritical: ReadonlySet<string> = new Set([
  extensionOids.deltaIndicator,
  extensionOids.scope,
])

function decodeExtensions(
  extensions: readonly RawExtension[],
): Pick<ParsedCrl, 'number' | 'baseNumber' | 'authorityKeyId' | 'scope' | 'unusable'> {
  const value = (oid: string): Uint8Array | undefined =>
    extensions.find((extension) => extension.oid === oid)?.value
  const number = value(extensionOids.crlNumber)
  const base = value(extensionOids.deltaIndicator)
  const scope = value(extensionOids.scope)
  const key = value(extensionOids.authorityKeyId)
  const foreign = extensions.find(({ critical, oid }) => critical && !mayBeCritical.has(oid))
  const keyId = key && new DerReader(readWhole(key, tags.sequence)).optional(contextTag(0))
  const unusable =
    foreign !== undefined
      ? `critical extension ${foreign.oid}`
      : number === undefined
        ? 'no cRLNumber'
        : undefined
  return {
    scope: scope === undefined ? unlimitedScope : readCrlScope(scope),
    ...(number && { number: readBigCount(readWhole(number, tags.integer)) }),
    ...(base && { baseNumber: readBigCount(readWhole(base, tags.integer)) }),
    ...(keyId && { authorityKeyId: hexOf(contentOf(keyId)) }),
    ...(unusable !== undefined && { unusable }),
  }
}

interface Entries {
  readonly entries: ReadonlyMap<string, number>
  readonly unknownCritical: string | undefined
}

const slice = 500

function* readEntries(
  list: DerElement | undefined,
  issuerKey: string,
  indirect: boolean,
): Generator<undefined, Entries, undefined> {
  const entries = new Map<string, number>()
  let unknownCritical: string | undefined
  if (list === undefined) return { entries, unknownCritical }
  const reader = new DerReader(list)
  // In an indirect CRL an entry without certificateIssuer has that of the entry before it.
  let certificateIssuer = issuerKey
  for (let count = 1; !reader.done; count++) {
    if (count > revocationLimits.crlEntries) throw new DerFault('too many entries')
    if (count % slice === 0) yield
    const entry = readCrlEntry(reader.take(tags.sequence))
    if (entry.certificateIssuer !== undefined) {
      if (!indirect) throw new DerFault('certificateIssuer in a CRL that is not indirect')
      certificateIssuer = entry.certificateIssuer
    }
    unknownCritical ??= entry.unknownCritical
    entries.set(entryKey(entry.serial, certificateIssuer, issuerKey), entry.reason)
  }
  return { entries, unknownCritical }
}
