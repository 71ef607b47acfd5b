/** Lets through the first few of many texts that differ in their digits only, and counts the others. */
export interface FewOfEach {
  admits(text: string): boolean
  /** The first text of each kind that was held back, and how often. */
  heldBack(): readonly { readonly text: string; readonly count: number }[]
}

/** @param few how many of a kind are let through */
export function fewOfEach(few: number): FewOfEach {
  const kinds = new Map<string, { readonly text: string; count: number }>()
  return {
    admits(text) {
      const kind = text.replaceAll(/\d+/g, '')
      const seen = kinds.get(kind) ?? { text, count: 0 }
      kinds.set(kind, seen)
      seen.count++
      return seen.count <= few
    },
    heldBack: () =>
      [...kinds.values()]
        .filter(({ count }) => count > few)
        .map(({ text, count }) => ({ text, count: count - few })),
  }
}
