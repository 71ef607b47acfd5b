import { ATTRIBUTE_TYPES } from './attribute-types.ts'
import { encodeAttributeValue } from './attribute-value.ts'
import type {
  DistinguishedName,
  NameAttribute,
  NameNotation,
  RelativeName,
} from './distinguished-name.ts'

const RENDERERS: Readonly<Record<NameNotation, (name: DistinguishedName) => string>> = {
  dotnet: (name) => joined(name.toReversed(), dotnetAttribute, ' + ', ', '),
  rfc4514: (name) => joined(name.toReversed(), rfc4514Attribute, '+', ','),
  openssl: (name) => joined(name, opensslAttribute, ' + ', ', '),
  slash: (name) => name.map((step) => `/${step.map(slashAttribute).join('+')}`).join(''),
}

/**
 * A name as text.
 * - `dotnet`: as `X509Certificate2.Subject`; a value that is no string stands as `#` and its DER.
 * - `rfc4514`: also escapes control and invisible characters; a type without a word has its value in DER.
 * - `openssl`: as `-nameopt oneline`. `slash`: as `-nameopt compat`.
 */
export function renderName(name: DistinguishedName, notation: NameNotation): string {
  return RENDERERS[notation](name)
}

function joined(
  name: DistinguishedName,
  render: (attribute: NameAttribute) => string,
  plus: string,
  comma: string,
): string {
  return name.map((step: RelativeName) => step.map(render).join(plus)).join(comma)
}

const DOTNET_QUOTED = /^$|^[ \t-\r]|[ \t-\r]$|[,+="\n<>#;]/

function dotnetAttribute(attribute: NameAttribute): string {
  const word = ATTRIBUTE_TYPES.get(attribute.type)?.dotnet ?? `OID.${attribute.type}`
  if ('der' in attribute) return `${word}=${hexOfDer(attribute)}`
  const { text } = attribute
  return `${word}=${DOTNET_QUOTED.test(text) ? `"${text.replaceAll('"', '""')}"` : text}`
}

function rfc4514Attribute(attribute: NameAttribute): string {
  const word = ATTRIBUTE_TYPES.get(attribute.type)?.rfc4514
  if (word === undefined || 'der' in attribute) {
    return `${word ?? attribute.type}=${hexOfDer(attribute).toLowerCase()}`
  }
  const escaped = attribute.text
    .replace(/[,+"\\<>;]|^[ #]| $/g, String.raw`\$&`)
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => utf8Escapes(character, '\\'))
  return `${word}=${escaped}`
}

function opensslAttribute(attribute: NameAttribute): string {
  const word = ATTRIBUTE_TYPES.get(attribute.type)?.openssl ?? attribute.type
  if ('der' in attribute) return `${word} = ${hexOfDer(attribute)}`
  const { text } = attribute
  const escaped = text
    .replace(/["\\]/g, String.raw`\$&`)
    .replace(/[^\x20-\x7e]/gu, (character) => utf8Escapes(character, '\\'))
  return `${word} = ${/^ |^#.|[,+<>;]| $/s.test(text) ? `"${escaped}"` : escaped}`
}

function slashAttribute(attribute: NameAttribute): string {
  const word = ATTRIBUTE_TYPES.get(attribute.type)?.openssl ?? attribute.type
  if ('der' in attribute) return `${word}=${hexOfDer(attribute)}`
  const escaped = attribute.text
    // A backslash stays as it is, as OpenSSL leaves it, unless it would be read as an escape.
    .replace(/\\(?=[/+]|x[\dA-Fa-f]{2}|$)|^#(?=.)/gs, (character) =>
      utf8Escapes(character, String.raw`\x`),
    )
    .replace(/[/+]/g, String.raw`\$&`)
    .replace(/[^\x20-\x7e]/gu, (character) => utf8Escapes(character, String.raw`\x`))
  return `${word}=${escaped}`
}

function hexOfDer(attribute: NameAttribute): string {
  return `#${encodeAttributeValue(attribute).toString('hex').toUpperCase()}`
}

function utf8Escapes(character: string, prefix: string): string {
  const octets = [...Buffer.from(character, 'utf8')]
  return octets.map((octet) => prefix + hexOctet(octet)).join('')
}

function hexOctet(octet: number): string {
  return octet.toString(16).padStart(2, '0').toUpperCase()
}
