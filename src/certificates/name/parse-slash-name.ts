import { MAX_NAME_ATTRIBUTES } from './distinguished-name.ts'
import type { DistinguishedName, NameAttribute } from './distinguished-name.ts'
import { NameFault } from './name-fault.ts'
import {
  ATTRIBUTE_TYPE,
  parseAttributeType,
  parseDerValue,
  parseEscapedOctets,
} from './parse-attribute.ts'

// A slash or plus in a value has a backslash before it, or nothing after it that looks like a type.
const ATTRIBUTE = new RegExp(String.raw`(?<!\\)([/+])(${ATTRIBUTE_TYPE})=`, 'gi')

/**
 * Reads `/type=value/type=value`, with `+` inside a step, as OpenSSL prints it.
 * A backslash escapes only a slash, a plus or, as `\xHH`, an octet.
 * @throws NameFault
 */
export function parseSlashName(text: string): DistinguishedName {
  const found = [...text.matchAll(ATTRIBUTE)]
  const [first] = found
  if (first?.index !== 0 || first[1] !== '/') throw new NameFault(0, 'expected /CN=name')
  if (found.length > MAX_NAME_ATTRIBUTES) throw new NameFault(0, 'too many attributes')
  const steps: NameAttribute[][] = []
  for (const [index, { 0: head, 1: separator, 2: written = '', index: at }] of found.entries()) {
    const begin = at + head.length
    const value = text.slice(begin, found[index + 1]?.index ?? text.length)
    const attribute = parseAttribute(parseAttributeType(written, at + 1), value, begin)
    if (separator === '/') steps.push([attribute])
    else steps.at(-1)?.push(attribute)
  }
  return steps
}

function parseAttribute(type: string, value: string, at: number): NameAttribute {
  if (value.startsWith('#') && value !== '#') return parseDerValue(type, value.slice(1), at)
  const text = value.replace(
    /(?:\\x[\dA-F]{2})+|\\([/+])/gi,
    (escape: string, character: string | undefined, offset: number) =>
      character ?? parseEscapedOctets(escape.replace(/\\x/gi, ''), at + offset),
  )
  return { type, text }
}
