import { ATTRIBUTE_TYPES } from './attribute-types.ts'
import type { DistinguishedName, NameAttribute, RelativeName } from './distinguished-name.ts'

/**
 * A text that is equal for two names exactly when they are the same name (RFC 5280 §7.1):
 * step by step, in the order of the one or in its whole reverse; the attributes of a step in any order.
 * - Values of the types in the table compare after NFKC and case folding, spaces at the ends left out
 *   and runs of spaces taken as one; the string type does not count.
 * - Strings of other types compare character by character, everything else by its DER.
 * - Stricter than RFC 4518: control and zero-width characters are neither dropped nor taken as spaces.
 *
 * Begins with a digit. Lengths stand before values, so that no value can imitate a longer name.
 */
export function nameKey(name: DistinguishedName): string {
  const steps = name.map(stepKey)
  const forward = steps.join(',')
  const backward = steps.toReversed().join(',')
  return forward < backward ? forward : backward
}

function stepKey(step: RelativeName): string {
  return step.map(attributeKey).toSorted().join('+')
}

function attributeKey(attribute: NameAttribute): string {
  const { type } = attribute
  if ('der' in attribute) return `${type}#${Buffer.from(attribute.der).toString('hex')}`
  const value = ATTRIBUTE_TYPES.has(type) ? folded(attribute.text) : attribute.text
  return `${type}=${value.length}:${value}`
}

const PRINTABLE_ASCII = /^[\x20-\x7e]*$/

function folded(text: string): string {
  if (PRINTABLE_ASCII.test(text)) return squeezed(text.toLowerCase())
  // Lower case alone would keep ß from SS and a final sigma from another one.
  const lower = text.normalize('NFKC').toLowerCase().replaceAll('ß', 'ss').replaceAll('ς', 'σ')
  return squeezed(lower.normalize('NFKC'))
}

// A space under a combining mark carries it and is none of the spaces meant here (RFC 4518 §2.6.1).
function squeezed(text: string): string {
  return text
    .replace(/\p{Zs}/gu, ' ')
    .replace(/ +(?!\p{M})/gu, ' ')
    .replace(/^ (?!\p{M})| $/gu, '')
}
