/** Says where the value at a path stands, as `line:column`: it, or the nearest part of the path that exists. */
export type Positions = (at: readonly PropertyKey[]) => string

/** A value in a text. */
export interface Place {
  /** Offset of its first character; absent when it is not written at all, as after `key:` in YAML. */
  readonly start?: number | undefined
  /** Offset of its key, when it has one. */
  readonly key?: number | undefined
  /** What it holds: an item by its number, a value by its key. Called when it is asked for. */
  children(): ReadonlyMap<string, Place>
}

/**
 * Finds positions in a text that has been parsed already. Nothing is done before the first is asked for:
 * usually nothing is wrong, and then a hundred thousand clients cost nothing here.
 * @param outline gives the outermost value
 */
export function positionsIn(text: string, outline: () => Place | undefined): Positions {
  let known: { readonly root: Place | undefined; readonly lines: readonly number[] } | undefined
  return (at) => {
    known ??= { root: outline(), lines: lineStarts(text) }
    return lineAndColumn(known.lines, offsetOf(known.root, at))
  }
}

function offsetOf(root: Place | undefined, at: readonly PropertyKey[]): number {
  let place = root
  let found = root?.start ?? 0
  for (const step of at) {
    place = place?.children().get(String(step))
    if (!place) break
    found = place.start ?? place.key ?? found
  }
  return found
}

/** Adds names in camel case: IdentityServer's files spell the same property `ClientId`. An exact name goes before. */
export function withCamelCase(places: ReadonlyMap<string, Place>): ReadonlyMap<string, Place> {
  const camel = [...places].map(
    ([name, place]) => [name.charAt(0).toLowerCase() + name.slice(1), place] as const,
  )
  return new Map([...camel, ...places])
}

function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) {
    starts.push(end + 1)
  }
  return starts
}

function lineAndColumn(lines: readonly number[], offset: number): string {
  let [low, high] = [0, lines.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((lines[middle] ?? 0) <= offset) low = middle
    else high = middle
  }
  return `${low + 1}:${offset - (lines[low] ?? 0) + 1}`
}
