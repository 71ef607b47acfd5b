import { childrenOf, contentOf, contextTag, DerFault, DerReader } from './der.ts'
import type { DerElement } from './der.ts'
import { latin1Of, readOid } from './der-values.ts'
import { readRdnSequence } from './rdn-sequence.ts'
import type { RdnSequence } from './rdn-sequence.ts'

/** A GeneralName (RFC 5280 §4.2.1.6). */
export type GeneralName =
  | { readonly type: 'email' | 'dns' | 'uri'; readonly value: string }
  /** 4 or 16 octets in a certificate; twice that, address and mask, in a constraint. */
  | { readonly type: 'ip'; readonly value: Uint8Array }
  | { readonly type: 'directory'; readonly value: RdnSequence }
  /** `value` is the DER of what the type defines. */
  | { readonly type: 'other'; readonly oid: string; readonly value: Uint8Array }
  /** Known, but not compared. */
  | { readonly type: 'registered' | 'x400' | 'edi' }

/** Reads one GeneralName. @param limit attributes of a directory name. @throws DerFault */
export function readGeneralName(element: DerElement, limit: number): GeneralName {
  const read = readers[element.tag]
  if (read === undefined) throw new DerFault('unknown kind of name')
  return read(element, limit)
}

/** Reads GeneralNames, of which there must be one at least. @throws DerFault */
export function readGeneralNames(element: DerElement, limit: number): GeneralName[] {
  const names = childrenOf(element, limit).map((name) => readGeneralName(name, limit))
  if (names.length === 0) throw new DerFault('no names')
  return names
}

const readers: Readonly<Record<number, (element: DerElement, limit: number) => GeneralName>> = {
  [contextTag(0, true)]: readOther,
  [contextTag(1)]: (element) => ({ type: 'email', value: readVisible(element) }),
  [contextTag(2)]: (element) => ({ type: 'dns', value: readVisible(element) }),
  [contextTag(3, true)]: () => ({ type: 'x400' }),
  [contextTag(4, true)]: readDirectory,
  [contextTag(5, true)]: () => ({ type: 'edi' }),
  [contextTag(6)]: (element) => ({ type: 'uri', value: readVisible(element) }),
  [contextTag(7)]: (element) => ({ type: 'ip', value: contentOf(element) }),
  [contextTag(8)]: () => ({ type: 'registered' }),
}

function readOther(element: DerElement): GeneralName {
  const reader = new DerReader(element)
  const oid = readOid(reader.take(0x06))
  const value = contentOf(reader.take(contextTag(0, true)))
  reader.finish()
  return { type: 'other', oid, value }
}

function readDirectory(element: DerElement, limit: number): GeneralName {
  const reader = new DerReader(element)
  const value = readRdnSequence(reader.next(), limit)
  reader.finish()
  return { type: 'directory', value }
}

/** IA5String without the characters that no address has: control characters, DEL, anything over 7F. */
function readVisible(element: DerElement): string {
  const octets = contentOf(element)
  if (octets.some((octet) => octet < 0x20 || octet > 0x7e)) {
    throw new DerFault('control or foreign character in a name')
  }
  return latin1Of(octets)
}
