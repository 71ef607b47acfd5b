import { encodeObjectIdentifier } from '../der/object-identifier.ts'
import { writeDer } from '../der/write-der.ts'
import { encodeAttributeValue } from './attribute-value.ts'
import type { DistinguishedName, NameAttribute } from './distinguished-name.ts'

/** The DER of a name; the attributes of a multi-valued step are sorted as DER wants it. */
export function encodeName(name: DistinguishedName): Buffer {
  const steps = name.map((step) =>
    writeDer(0x31, ...step.map(encodeAttribute).toSorted(Buffer.compare)),
  )
  return writeDer(0x30, ...steps)
}

function encodeAttribute(attribute: NameAttribute): Buffer {
  const type = encodeObjectIdentifier(attribute.type)
  if (type === undefined) throw new TypeError(`not an object identifier: ${attribute.type}`)
  return writeDer(0x30, writeDer(0x06, type), encodeAttributeValue(attribute))
}
