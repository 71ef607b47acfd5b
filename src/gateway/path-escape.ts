/** What is wrong with a percent escape; it begins with the word that names the place it is in. */
export type EscapeFault =
  | 'path-malformed-escape'
  | 'path-invalid-utf8'
  | 'path-encoded-nul'
  | 'path-encoded-control'
  | 'path-encoded-dot'
  | 'path-encoded-slash'
  | 'path-encoded-backslash'
  | 'path-encoded-percent'
  | 'path-encoded-semicolon'
  | 'path-encoded-unreserved'

/** Bytes that servers decode at different moments, or that need no escape and so only disguise. */
const FAULTS = new Map<number, EscapeFault>([
  ...bytes('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_~').map(
    (byte) => [byte, 'path-encoded-unreserved'] as const,
  ),
  ...Array.from({ length: 32 }, (_, byte) => [byte, 'path-encoded-control'] as const),
  [0x7f, 'path-encoded-control'],
  [0x00, 'path-encoded-nul'],
  [0x2e, 'path-encoded-dot'],
  [0x2f, 'path-encoded-slash'],
  [0x5c, 'path-encoded-backslash'],
  [0x25, 'path-encoded-percent'],
  [0x3b, 'path-encoded-semicolon'],
])

/**
 * Well-formed UTF-8 (RFC 3629 §4): first byte from–to, how many follow, and what the second may be.
 */
const SEQUENCES = [
  { from: 0xc2, to: 0xdf, more: 1, low: 0x80, high: 0xbf },
  { from: 0xe0, to: 0xe0, more: 2, low: 0xa0, high: 0xbf },
  { from: 0xe1, to: 0xec, more: 2, low: 0x80, high: 0xbf },
  { from: 0xed, to: 0xed, more: 2, low: 0x80, high: 0x9f },
  { from: 0xee, to: 0xef, more: 2, low: 0x80, high: 0xbf },
  { from: 0xf0, to: 0xf0, more: 3, low: 0x90, high: 0xbf },
  { from: 0xf1, to: 0xf3, more: 3, low: 0x80, high: 0xbf },
  { from: 0xf4, to: 0xf4, more: 3, low: 0x80, high: 0x8f },
]

/**
 * Reads the escaped character whose `%` stands at `at`: one escape, or as many as its UTF-8 has
 * bytes. Returns where the text goes on, or what is wrong.
 */
export function readPathEscape(text: string, at: number): number | EscapeFault {
  const first = byteAt(text, at)
  if (first === undefined) return 'path-malformed-escape'
  if (first < 0x80) return FAULTS.get(first) ?? at + 3
  const sequence = SEQUENCES.find(({ from, to }) => first >= from && first <= to)
  if (sequence === undefined) return 'path-invalid-utf8'
  let { low, high } = sequence
  for (let i = 1; i <= sequence.more; i++) {
    const byte = byteAt(text, at + 3 * i)
    if (byte === undefined || byte < low || byte > high) return 'path-invalid-utf8'
    low = 0x80
    high = 0xbf
  }
  return at + 3 * (sequence.more + 1)
}

function byteAt(text: string, at: number): number | undefined {
  if (text.charCodeAt(at) !== 0x25) return undefined
  const high = hexDigit(text.charCodeAt(at + 1))
  const low = hexDigit(text.charCodeAt(at + 2))
  return high < 0 || low < 0 ? undefined : high * 16 + low
}

function hexDigit(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

function bytes(text: string): number[] {
  return Array.from(text, (character) => character.charCodeAt(0))
}
