import { MAX_NAME_LENGTH } from './distinguished-name.ts'
import type { DistinguishedName, NameNotation } from './distinguished-name.ts'
import { NameFault } from './name-fault.ts'
import { parseListedName } from './parse-listed-name.ts'
import { parseSlashName } from './parse-slash-name.ts'

export type NameParsing =
  | { readonly ok: true; readonly name: DistinguishedName }
  /** `at` counts characters from 0. */
  | { readonly ok: false; readonly fault: string; readonly at: number }

const PARSERS: Readonly<Record<NameNotation, (text: string) => DistinguishedName>> = {
  dotnet: (text) => parseListedName(text, 'literal').toReversed(),
  rfc4514: (text) => parseListedName(text, 'escape').toReversed(),
  openssl: (text) => parseListedName(text, 'escape'),
  slash: (text) => parseSlashName(text),
}

/**
 * Reads a name that is written in this notation. Spaces around separators, `;` for `,`, words of the
 * other notations and quotes are taken in all of them.
 */
export function parseName(text: string, notation: NameNotation): NameParsing {
  if (text.length > MAX_NAME_LENGTH) return failure(MAX_NAME_LENGTH, 'the name is too long')
  if (!text.isWellFormed()) return failure(0, 'half a character (a lone surrogate)')
  if (text.trim() === '') return failure(0, 'the name is empty')
  try {
    return { ok: true, name: PARSERS[notation](text) }
  } catch (error) {
    if (!(error instanceof NameFault)) throw error
    return failure(error.at, error.message)
  }
}

/**
 * Reads a name in whichever notation it is.
 * - What begins with a slash is the slash notation.
 * - Else a backslash begins an escape (RFC 4514, OpenSSL); only where the text cannot be read so does
 *   it stand for itself (.NET). Text without a backslash means the same either way.
 * - The order is that of OpenSSL when there is a space before the first `=`, else the other.
 */
export function guessName(text: string): NameParsing {
  const line = trimmed(text)
  if (line.startsWith('/')) return shifted(parseName(line, 'slash'), text.indexOf('/'))
  const escaped = parseName(text, /^[^=]*\s=/.test(text) ? 'openssl' : 'rfc4514')
  if (escaped.ok) return escaped
  const literal = parseName(text, 'dotnet')
  return literal.ok || literal.at > escaped.at ? literal : escaped
}

function failure(at: number, fault: string): NameParsing {
  return { ok: false, fault, at }
}

function shifted(parsing: NameParsing, by: number): NameParsing {
  return parsing.ok ? parsing : { ...parsing, at: parsing.at + by }
}

// Line ends at the end come from a file; a space there may belong to the name.
function trimmed(text: string): string {
  let end = text.length
  while (end > 0 && (text[end - 1] === '\n' || text[end - 1] === '\r')) end--
  return text.slice(0, end).trimStart()
}
