import { decodeObjectIdentifier } from '../der/object-identifier.ts'
import { childrenOf, contentOf, DerFault, readWhole, tags } from '../path/der.ts'
import type { DerElement } from '../path/der.ts'
import { decodeAttribute } from './attribute-value.ts'
import { MAX_NAME_ATTRIBUTES, MAX_NAME_LENGTH } from './distinguished-name.ts'
import type { DistinguishedName, NameAttribute } from './distinguished-name.ts'

/** Reads the DER of an X.501 name. @throws DerFault when it is none, or beyond the limits */
export function decodeName(der: Uint8Array): DistinguishedName {
  if (der.length > MAX_NAME_LENGTH) throw new DerFault('too long a name')
  const steps = childrenOf(readWhole(der, tags.sequence), MAX_NAME_ATTRIBUTES)
  const name = steps.map(relativeName)
  if (name.flat().length > MAX_NAME_ATTRIBUTES) throw new DerFault('too many attributes')
  return name
}

function relativeName(element: DerElement): NameAttribute[] {
  const attributes = childrenOf(expect(element, tags.set), MAX_NAME_ATTRIBUTES).map(attribute)
  if (attributes.length === 0) throw new DerFault('a step without attributes')
  return attributes
}

function attribute(element: DerElement): NameAttribute {
  const [type, value] = childrenOf(expect(element, tags.sequence), 2)
  if (type === undefined || value === undefined) throw new DerFault('half an attribute')
  return decodeAttribute(decodeObjectIdentifier(contentOf(expect(type, tags.oid))), value)
}

function expect(element: DerElement, tag: number): DerElement {
  if (element.tag !== tag) throw new DerFault('an unexpected tag')
  return element
}
