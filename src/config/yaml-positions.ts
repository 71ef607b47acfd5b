import { EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE } from 'js-yaml'
import type { Event } from 'js-yaml'

/** Says where the value at a path stands, as `line:column`: it, or the nearest part of the path that exists. */
export type Positions = (at: readonly PropertyKey[]) => string

/**
 * Finds positions in a YAML text that has been parsed already. The text is walked once, when the first
 * position is asked for: usually nothing is wrong, and then a hundred thousand clients cost nothing here.
 */
export function yamlPositions(text: string): Positions {
  let tree: Tree | undefined
  return (at) => {
    tree ??= { text, events: parseEvents(text, {}), children: new Map(), lines: lineStarts(text) }
    return lineAndColumn(tree, offsetOf(tree, at))
  }
}

interface Tree {
  readonly text: string
  readonly events: readonly Event[]
  /** By the index of a collection's event: what it holds. Filled as it is needed. */
  readonly children: Map<number, Children>
  readonly lines: readonly number[]
}

/** An item of a sequence by its number, a value of a mapping by its key. */
type Children = ReadonlyMap<string, Child>

interface Child {
  readonly index: number
  /** Where to point when the value is nothing at all: its key. */
  readonly fallback?: number
}

function offsetOf(tree: Tree, at: readonly PropertyKey[]): number {
  let node = tree.events.findIndex(isNode)
  let found = start(tree.events[node]) ?? 0
  for (const step of at) {
    const child = childrenOf(tree, node).get(String(step))
    if (!child) break
    node = child.index
    found = start(tree.events[node]) ?? child.fallback ?? found
  }
  return found
}

function childrenOf(tree: Tree, parent: number): Children {
  const known = tree.children.get(parent)
  if (known) return known
  const type = tree.events[parent]?.type
  const made =
    type === EVENT_ID.SEQUENCE
      ? items(tree, parent)
      : type === EVENT_ID.MAPPING
        ? pairs(tree, parent)
        : new Map<string, Child>()
  tree.children.set(parent, made)
  return made
}

function items({ events }: Tree, parent: number): Children {
  const found = new Map<string, Child>()
  for (let index = parent + 1; events[index]?.type !== EVENT_ID.POP; index = after(events, index)) {
    found.set(String(found.size), { index })
  }
  return found
}

function pairs({ text, events }: Tree, parent: number): Children {
  const found = new Map<string, Child>()
  const capitals = new Map<string, Child>()
  let key = parent + 1
  while (events[key]?.type !== EVENT_ID.POP) {
    const value = after(events, key)
    const event = events[key]
    if (event?.type === EVENT_ID.SCALAR) {
      const name = getScalarValue(text, event)
      const child = { index: value, ...fallback(start(event)) }
      found.set(name, child)
      capitals.set(name.charAt(0).toLowerCase() + name.slice(1), child)
    }
    key = after(events, value)
  }
  // IdentityServer's files spell the same property `ClientId`; the exact spelling goes before.
  return new Map([...capitals, ...found])
}

function fallback(offset: number | undefined): { fallback?: number } {
  return offset === undefined ? {} : { fallback: offset }
}

/** The index behind the node that starts at `index`. */
function after(events: readonly Event[], index: number): number {
  let depth = 0
  for (let at = index; at < events.length; at++) {
    const type = events[at]?.type
    if (type === EVENT_ID.SEQUENCE || type === EVENT_ID.MAPPING) depth++
    if (type === EVENT_ID.POP) depth--
    if (depth === 0) return at + 1
  }
  return events.length
}

function isNode({ type }: Event): boolean {
  return type !== EVENT_ID.DOCUMENT && type !== EVENT_ID.POP
}

/** @returns nothing for a value that is not written at all, as after `key:` */
function start(event: Event | undefined): number | undefined {
  if (event?.type === EVENT_ID.SEQUENCE || event?.type === EVENT_ID.MAPPING) return event.start
  if (event?.type === EVENT_ID.ALIAS) return event.anchorStart - '*'.length
  if (event?.type !== EVENT_ID.SCALAR || event.valueStart < 0) return undefined
  if (QUOTED.has(event.style)) return event.valueStart - 1
  return event.valueStart + Math.max(0, event.indent)
}

const QUOTED = new Set<number>([SCALAR_STYLE.SINGLE_QUOTED, SCALAR_STYLE.DOUBLE_QUOTED])

function lineStarts(text: string): readonly number[] {
  const starts = [0]
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', end + 1)) {
    starts.push(end + 1)
  }
  return starts
}

function lineAndColumn({ lines }: Tree, offset: number): string {
  let [low, high] = [0, lines.length]
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if ((lines[middle] ?? 0) <= offset) low = middle
    else high = middle
  }
  return `${low + 1}:${offset - (lines[low] ?? 0) + 1}`
}
