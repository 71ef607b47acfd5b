import { FRAME } from '../../support/raw-http2.ts'
import type { Frame } from '../../support/raw-http2.ts'

/** RFC 7541 appendix B, digits. */
const DIGITS = new Map(
  [
    '00000',
    '00001',
    '00010',
    '011001',
    '011010',
    '011011',
    '011100',
    '011101',
    '011110',
    '011111',
  ].map((code, digit) => [code, `${digit}`] as const),
)
/** RFC 7541 appendix A, 8 to 14. */
const INDEXED = [200, 204, 206, 304, 400, 404, 500]

/** The `:status` of an answer's HEADERS frame, which stands first in it. */
export function statusOf({ type, payload }: Frame): number {
  if (type !== FRAME.headers) throw new Error('no HEADERS')
  let at = 0
  // a new size of the dynamic table
  while (((payload[at] ?? 0) & 0xe0) === 0x20) at++
  const first = payload[at] ?? 0
  if ((first & 0x80) !== 0) return INDEXED[(first & 0x7f) - 8] ?? NaN
  const length = payload[at + 1] ?? 0
  const text = payload.subarray(at + 2, at + 2 + (length & 0x7f))
  return Number((length & 0x80) === 0 ? text.toString('latin1') : digits(text))
}

function digits(huffman: Buffer): string {
  let bits = [...huffman].map((octet) => octet.toString(2).padStart(8, '0')).join('')
  let text = ''
  while (text.length < 3) {
    const size = [5, 6].find((one) => DIGITS.has(bits.slice(0, one)))
    if (size === undefined) throw new Error(`no digits: ${bits}`)
    text += DIGITS.get(bits.slice(0, size))
    bits = bits.slice(size)
  }
  return text
}
