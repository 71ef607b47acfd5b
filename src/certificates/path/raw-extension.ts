import { childrenOf, contentOf, DerFault, DerReader, expectTag, tags } from './der.ts'
import type { DerElement } from './der.ts'
import { readBoolean, readOid } from './der-values.ts'

/** One extension as encoded. */
export interface RawExtension {
  readonly oid: string
  readonly critical: boolean
  /** The DER inside the octet string. A view. */
  readonly value: Uint8Array
}

/** Reads Extensions; an object identifier that comes twice is a fault (RFC 5280 §4.2). @throws DerFault */
export function readRawExtensions(element: DerElement, limit: number): RawExtension[] {
  const seen = new Set<string>()
  const extensions = childrenOf(element, limit).map((extension): RawExtension => {
    const reader = new DerReader(expectTag(extension, tags.sequence))
    const oid = readOid(reader.take(tags.oid))
    const flag = reader.optional(tags.boolean)
    const value = contentOf(reader.take(tags.octetString))
    reader.finish()
    if (seen.has(oid)) throw new DerFault(`extension ${oid} comes twice`)
    seen.add(oid)
    return { oid, critical: flag !== undefined && readBoolean(flag), value }
  })
  if (extensions.length === 0) throw new DerFault('no extensions')
  return extensions
}
