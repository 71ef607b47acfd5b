import { DerFault } from '../path/der.ts'

// Longer than any identifier in use; keeps the arithmetic on big arcs short.
const MAX_OCTETS = 64

/** The dotted form of an identifier's content octets. @throws DerFault */
export function decodeObjectIdentifier(content: Uint8Array): string {
  const last = content.at(-1)
  if (last === undefined || last & 0x80 || content.length > MAX_OCTETS) {
    throw new DerFault('a bad object identifier')
  }
  const arcs: bigint[] = []
  let arc = 0n
  let begins = true
  for (const octet of content) {
    if (begins && octet === 0x80) throw new DerFault('a bad object identifier')
    arc = (arc << 7n) | BigInt(octet & 0x7f)
    begins = (octet & 0x80) === 0
    if (begins) {
      arcs.push(arc)
      arc = 0n
    }
  }
  const [first = 0n, ...rest] = arcs
  const root = first < 80n ? first / 40n : 2n
  return [root, first - root * 40n, ...rest].join('.')
}

/** The content octets of a dotted identifier, or `undefined` when the text is none. */
export function encodeObjectIdentifier(dotted: string): Buffer | undefined {
  if (!/^[012](\.(0|[1-9]\d{0,39}))+$/.test(dotted)) return undefined
  const [root = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt)
  if (root < 2n && second >= 40n) return undefined
  const octets = [root * 40n + second, ...rest].flatMap(base128)
  return octets.length > MAX_OCTETS ? undefined : Buffer.from(octets)
}

function base128(arc: bigint): number[] {
  const octets = [Number(arc & 0x7fn)]
  for (let rest = arc >> 7n; rest > 0n; rest >>= 7n) octets.unshift(Number(rest & 0x7fn) | 0x80)
  return octets
}
