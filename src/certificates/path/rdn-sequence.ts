import { decodeName } from '../name/decode-name.ts'
import type { NameAttribute } from '../name/distinguished-name.ts'
import { nameKey } from '../name/name-key.ts'
import { writeDer } from '../der/write-der.ts'
import { contentOf, DerFault, encodingOf, tags } from './der.ts'
import type { DerElement } from './der.ts'

/** A distinguished name, ready for comparison by RFC 5280 §7.1. */
export interface RdnSequence {
  /** As encoded. A view. */
  readonly raw: Uint8Array
  /** Equal for two names exactly when they are the same name in the same order. */
  readonly key: string
  /** One canonical text for each relative name, for comparison with a subtree. */
  readonly rdns: readonly string[]
  /** The values of the emailAddress attributes. */
  readonly emails: readonly string[]
  /** The values of the attributes that are text, for display in a refusal; at most 256 characters. */
  readonly text: string
}

const shown = 256
const emailAddress = '1.2.840.113549.1.9.1'

/** Reads a Name. @param limit attributes it may have. @throws DerFault */
export function readRdnSequence(element: DerElement, limit: number): RdnSequence {
  const raw = encodingOf(element)
  const name = decodeName(raw)
  const attributes = name.flat()
  if (attributes.length > limit) throw new DerFault(`a name of more than ${limit} attributes`)
  const rdns = name.map((rdn) => nameKey([rdn]))
  return {
    raw,
    key: joined(rdns),
    rdns,
    emails: attributes.filter(({ type }) => type === emailAddress).map(requireText),
    text: attributes
      .map((attribute) => ('text' in attribute ? attribute.text : '?'))
      .join(', ')
      .slice(0, shown),
  }
}

function requireText(attribute: NameAttribute): string {
  if ('text' in attribute) return attribute.text
  throw new DerFault('malformed mail address')
}

/** Reads the content of a RelativeDistinguishedName, whatever its tag. @throws DerFault */
export function readRelativeName(element: DerElement): string {
  const name = decodeName(writeDer(tags.sequence, writeDer(tags.set, contentOf(element))))
  return nameKey(name)
}

/** The key of a name with one more relative name at its end (RFC 5280 §4.2.1.13). */
export function extendedKey(name: RdnSequence, relativeName: string): string {
  return joined([...name.rdns, relativeName])
}

/** Whether `name` lies in the subtree of `base`: begins with all of its relative names. */
export function isWithin(name: RdnSequence, base: RdnSequence): boolean {
  return (
    base.rdns.length <= name.rdns.length &&
    base.rdns.every((rdn, index) => rdn === name.rdns[index])
  )
}

// A name key begins with a digit and holds its values by length, so a comma ends it.
function joined(rdns: readonly string[]): string {
  return rdns.join(',')
}
