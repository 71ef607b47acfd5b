/** Deeper than any definition of ours, and shallow enough to walk. */
const MAX_DEPTH = 200
/** How many values aliases may add to those that are written out. */
const MAX_ADDED = 1_000_000

/**
 * An alias costs a few characters and may stand for a whole tree, so a short text can mean more values than
 * there is memory for. Counts what is meant without writing it out.
 * @param length of the text; what is written out costs a character a value at least
 * @returns what is wrong, or nothing
 */
export function expansionFault(value: unknown, length: number): string | undefined {
  const sizes = new Map<object, number>()
  const open = new Set<object>()
  const measure = (node: unknown): number => {
    if (typeof node !== 'object' || node === null) return 1
    const known = sizes.get(node)
    if (known !== undefined) return known
    // A number that is over every limit: nobody needs to know by how much.
    if (open.has(node) || open.size >= MAX_DEPTH) return Infinity
    open.add(node)
    const size = Object.values(node).reduce<number>((sum, inner) => sum + measure(inner), 1)
    open.delete(node)
    sizes.set(node, size)
    return size
  }
  return measure(value) > length + MAX_ADDED
    ? 'its aliases lead in a circle, or stand for more values than can be read'
    : undefined
}
