/** One element of DER (X.690 §8, §10): its tag and where it lies. Nothing is copied. */
export interface DerElement {
  readonly tag: number
  /** The source that the offsets count in. */
  readonly source: Uint8Array
  /** Offset of the tag. */
  readonly start: number
  /** Offset of the first octet of the value. */
  readonly content: number
  /** Offset after the last octet. */
  readonly end: number
}

/** What is wrong with the bytes. Never leaves the parsers: they return it as data. */
export class DerFault extends Error {
  override readonly name = 'DerFault'
}

/** Universal tags of X.509. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  enumerated: 0x0a,
  utf8String: 0x0c,
  numericString: 0x12,
  printableString: 0x13,
  teletexString: 0x14,
  ia5String: 0x16,
  utcTime: 0x17,
  generalizedTime: 0x18,
  visibleString: 0x1a,
  universalString: 0x1c,
  bmpString: 0x1e,
  sequence: 0x30,
  set: 0x31,
} as const

/** The context-specific tag `[number]`. */
export function contextTag(number: number, constructed = false): number {
  return (constructed ? 0xa0 : 0x80) | number
}

/**
 * The element at `offset`, which must end by `limit`.
 * @throws DerFault for a tag over 30, and for an indefinite, non-minimal or overlong length.
 */
export function readElement(source: Uint8Array, offset: number, limit: number): DerElement {
  const tag = source[offset]
  const first = source[offset + 1]
  if (offset + 2 > limit || tag === undefined || first === undefined) {
    throw new DerFault('truncated element')
  }
  if ((tag & 0x1f) === 0x1f) throw new DerFault('tag number over 30')
  if (first < 0x80) return within(tag, source, offset, offset + 2, first, limit)

  const octets = first & 0x7f
  if (octets === 0 || octets > 4 || offset + 2 + octets > limit) {
    throw new DerFault('indefinite or oversized length')
  }
  let length = 0
  for (let i = 0; i < octets; i++) length = length * 256 + (source[offset + 2 + i] ?? 0)
  if (length < 0x80 || length < 256 ** (octets - 1)) throw new DerFault('length is not minimal')
  return within(tag, source, offset, offset + 2 + octets, length, limit)
}

function within(
  tag: number,
  source: Uint8Array,
  start: number,
  content: number,
  length: number,
  limit: number,
): DerElement {
  if (content + length > limit) throw new DerFault('element is longer than what holds it')
  return { tag, source, start, content, end: content + length }
}

/** The one element that the bytes consist of. @throws DerFault, also when something follows it. */
export function readWhole(source: Uint8Array, tag: number): DerElement {
  const element = readElement(source, 0, source.length)
  if (element.end !== source.length) throw new DerFault('something follows the last element')
  return expectTag(element, tag)
}

/** The element itself. @throws DerFault when it has another tag. */
export function expectTag(element: DerElement, tag: number): DerElement {
  if (element.tag !== tag) throw new DerFault('unexpected type')
  return element
}

/** The octets of the value. A view, not a copy. */
export function contentOf(element: DerElement): Uint8Array {
  return element.source.subarray(element.content, element.end)
}

/** The whole element with tag and length. A view, not a copy. */
export function encodingOf(element: DerElement): Uint8Array {
  return element.source.subarray(element.start, element.end)
}

/** Walks the elements inside a constructed one. Every method throws DerFault on what it cannot read. */
export class DerReader {
  readonly #source: Uint8Array
  readonly #end: number
  #at: number

  constructor(outer: DerElement) {
    this.#source = outer.source
    this.#at = outer.content
    this.#end = outer.end
  }

  get done(): boolean {
    return this.#at >= this.#end
  }

  /** The tag of the next element; undefined at the end. */
  get tag(): number | undefined {
    return this.done ? undefined : this.#source[this.#at]
  }

  next(): DerElement {
    const element = readElement(this.#source, this.#at, this.#end)
    this.#at = element.end
    return element
  }

  take(tag: number): DerElement {
    return expectTag(this.next(), tag)
  }

  optional(tag: number): DerElement | undefined {
    return this.tag === tag ? this.next() : undefined
  }

  /** Says that nothing may follow. */
  finish(): void {
    if (!this.done) throw new DerFault('unexpected element')
  }
}

/** The elements inside; more than `limit` is a fault. */
export function childrenOf(outer: DerElement, limit: number): DerElement[] {
  const reader = new DerReader(outer)
  const children: DerElement[] = []
  while (!reader.done) {
    if (children.length === limit) throw new DerFault(`more than ${limit} elements`)
    children.push(reader.next())
  }
  return children
}
