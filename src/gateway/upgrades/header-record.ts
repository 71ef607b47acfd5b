/** Plain text: what the package writes as UTF-8 is then what it was. */
const ASCII = /^[\t\x20-\x7e]*$/

/** Header lines by name in lower case; several values are for a line each. */
export type HeaderRecord = Record<string, string | string[]>

/** Makes a record of header lines, name and value in turn. */
export function headerRecord(lines: readonly string[]): HeaderRecord {
  const byName = new Map<string, string | string[]>()
  for (let i = 0; i < lines.length; i += 2) {
    const name = (lines[i] ?? '').toLowerCase()
    const value = lines[i + 1] ?? ''
    const before = byName.get(name)
    byName.set(name, before === undefined ? value : [before, value].flat())
  }
  // not by assignment: a name may be one that means something to an object
  return Object.fromEntries(byName)
}

/** The lines, name and value in turn, whose value is ASCII. */
export function asciiLines(lines: readonly string[]): string[] {
  return lines.filter((_, i) => ASCII.test(lines[i - (i % 2) + 1] ?? ''))
}
