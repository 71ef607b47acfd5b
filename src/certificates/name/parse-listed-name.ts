import { MAX_NAME_ATTRIBUTES } from './distinguished-name.ts'
import type { DistinguishedName, NameAttribute } from './distinguished-name.ts'
import { NameFault } from './name-fault.ts'
import {
  ATTRIBUTE_TYPE,
  parseAttributeType,
  parseDerValue,
  parseEscapedOctets,
} from './parse-attribute.ts'

/** What a backslash means: the beginning of an escape, or itself (and a quote in quotes is doubled). */
export type Backslash = 'escape' | 'literal'

const SPACE = /[ \t-\r]*/y
const TYPE = new RegExp(`(${ATTRIBUTE_TYPE})[ \\t-\\r]*=`, 'iy')
// A lone # is a text; OpenSSL prints it so.
const DER_VALUE = /#([^,;+\s]+)/y
const OCTETS = /(?:\\x?[\dA-F]{2})+/iy
const ESCAPED = /\\([ ,+"\\<>;=#/])/y
// In quotes nothing else needs one; a backslash before a comma there is .NET's, and no escape.
const ESCAPED_IN_QUOTES = /\\(["\\])/y

/**
 * Reads `type=value` pairs between `,` or `;`, and `+` inside a step; in the order in which they stand.
 * @throws NameFault
 */
export function parseListedName(text: string, backslash: Backslash): DistinguishedName {
  return new ListedName(text, backslash).parse()
}

class ListedName {
  readonly #text: string
  readonly #escapes: boolean
  #at = 0

  constructor(text: string, backslash: Backslash) {
    this.#text = text
    this.#escapes = backslash === 'escape'
  }

  parse(): DistinguishedName {
    const steps: NameAttribute[][] = []
    let step: NameAttribute[] = []
    for (let count = 1; ; count++) {
      if (count > MAX_NAME_ATTRIBUTES) this.#fail('too many attributes')
      step.push(this.#attribute())
      this.#match(SPACE)
      const separator = this.#text[this.#at]
      if (separator !== '+') {
        steps.push(step)
        step = []
      }
      if (separator === undefined) return steps
      if (!',;+'.includes(separator)) this.#fail('expected a comma here, or the end')
      this.#at++
    }
  }

  #attribute(): NameAttribute {
    this.#match(SPACE)
    const at = this.#at
    const written = this.#match(TYPE)?.[1]
    if (written === undefined) this.#failType()
    const type = parseAttributeType(written, at)
    this.#match(SPACE)
    const digits = this.#match(DER_VALUE)?.[1]
    if (digits !== undefined) return parseDerValue(type, digits, this.#at - digits.length - 1)
    return { type, text: this.#text[this.#at] === '"' ? this.#quoted() : this.#unquoted() }
  }

  #quoted(): string {
    const begin = this.#at++
    let value = ''
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined) throw new NameFault(begin, 'this quote is never closed')
      if (character === '"' && (this.#escapes || this.#text[this.#at + 1] !== '"')) break
      if (character === '\\' && this.#escapes) {
        value += this.#escape(ESCAPED_IN_QUOTES)
      } else {
        value += character
        this.#at += character === '"' ? 2 : 1
      }
    }
    this.#at++
    return value
  }

  #unquoted(): string {
    let value = ''
    // Spaces at the end are layout, unless they are escaped.
    let kept = 0
    for (;;) {
      const character = this.#text[this.#at]
      if (character === undefined || ',;+'.includes(character)) return value.slice(0, kept)
      if (character === '"') this.#fail('a quote inside a value; put the whole value in quotes')
      const escaped = character === '\\' && this.#escapes
      value += escaped ? this.#escape(ESCAPED) : character
      if (!escaped) this.#at++
      if (!/[ \t-\r]/.test(character)) kept = value.length
    }
  }

  #escape(allowed: RegExp): string {
    const at = this.#at
    const octets = this.#match(OCTETS)?.[0]
    if (octets !== undefined) return parseEscapedOctets(octets.replace(/\\x?/gi, ''), at)
    const character = this.#match(allowed)?.[1]
    if (character === undefined) {
      this.#fail(String.raw`\ begins no known escape; write \\ for a backslash`)
    }
    return character
  }

  #match(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at
    const match = pattern.exec(this.#text)
    if (match) this.#at = pattern.lastIndex
    return match
  }

  #failType(): never {
    const begins = this.#text.slice(0, this.#at).trim() === ''
    this.#fail(
      begins
        ? 'expected an attribute, as in CN=name'
        : 'expected an attribute after the separator; a comma, semicolon or plus inside a value' +
            String.raw` is written with \ before it or with the value in quotes`,
    )
  }

  #fail(message: string): never {
    throw new NameFault(this.#at, message)
  }
}
