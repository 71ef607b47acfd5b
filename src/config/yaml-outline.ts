import { EVENT_ID, getScalarValue, parseEvents, SCALAR_STYLE } from 'js-yaml'
import type { Event } from 'js-yaml'

import { withCamelCase } from './positions.ts'
import type { Place } from './positions.ts'

/** Where the values of a YAML text stand. */
export function yamlOutline(text: string): Place | undefined {
  const events = parseEvents(text, {})
  const root = events.findIndex(isNode)
  return root === -1 ? undefined : placeOf({ text, events }, root)
}

interface Tree {
  readonly text: string
  readonly events: readonly Event[]
}

function placeOf(tree: Tree, index: number, key?: number): Place {
  const event = tree.events[index]
  let made: ReadonlyMap<string, Place> | undefined
  return { start: start(event), key, children: () => (made ??= childrenOf(tree, index, event)) }
}

function childrenOf(tree: Tree, index: number, event: Event | undefined) {
  if (event?.type === EVENT_ID.SEQUENCE) return items(tree, index)
  if (event?.type === EVENT_ID.MAPPING) return withCamelCase(pairs(tree, index))
  return new Map<string, Place>()
}

function items(tree: Tree, parent: number): ReadonlyMap<string, Place> {
  const found = new Map<string, Place>()
  for (let item = parent + 1; !isEnd(tree, item); item = after(tree, item)) {
    found.set(String(found.size), placeOf(tree, item))
  }
  return found
}

function pairs(tree: Tree, parent: number): ReadonlyMap<string, Place> {
  const found = new Map<string, Place>()
  for (let key = parent + 1; !isEnd(tree, key); key = after(tree, after(tree, key))) {
    const event = tree.events[key]
    if (event?.type !== EVENT_ID.SCALAR) continue
    const place = placeOf(tree, after(tree, key), start(event))
    found.set(getScalarValue(tree.text, event), place)
  }
  return found
}

function isEnd({ events }: Tree, index: number): boolean {
  return index >= events.length || events[index]?.type === EVENT_ID.POP
}

/** The index behind the node that starts at `index`. */
function after({ events }: Tree, index: number): number {
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

const QUOTED = new Set<number>([SCALAR_STYLE.SINGLE_QUOTED, SCALAR_STYLE.DOUBLE_QUOTED])

function start(event: Event | undefined): number | undefined {
  if (event?.type === EVENT_ID.SEQUENCE || event?.type === EVENT_ID.MAPPING) return event.start
  if (event?.type === EVENT_ID.ALIAS) return event.anchorStart - '*'.length
  if (event?.type !== EVENT_ID.SCALAR || event.valueStart < 0) return undefined
  if (QUOTED.has(event.style)) return event.valueStart - 1
  return event.valueStart + Math.max(0, event.indent)
}
