import { visit } from 'jsonc-parser'

import { withCamelCase } from './positions.ts'
import type { Place } from './positions.ts'

/**
 * Where the values of a JSON text, comments allowed, stand. Each level is read when it is asked for and only
 * there, so that one mistake in a file of a hundred thousand clients does not take its size in memory again.
 */
export function jsonOutline(text: string): Place | undefined {
  return childrenIn(`[${text}]`, -1).get('0')
}

/** @param base the offset of `text` in the whole */
function placeOf(text: string, base: number, key?: number): Place {
  let made: ReadonlyMap<string, Place> | undefined
  return { start: base, key, children: () => (made ??= childrenIn(text, base)) }
}

function childrenIn(text: string, base: number): ReadonlyMap<string, Place> {
  const found = new Map<string, Place>()
  let depth = 0
  let name: { readonly text: string; readonly offset: number } | undefined
  let start = 0
  const end = (offset: number) => {
    const place = placeOf(text.slice(start, offset), base + start, name && base + name.offset)
    found.set(name?.text ?? String(found.size), place)
  }
  const open = (offset: number) => {
    if (depth === 1) start = offset
    depth++
  }
  const close = (offset: number, length: number) => {
    depth--
    if (depth === 1) end(offset + length)
  }
  visit(text, {
    onObjectBegin: open,
    onArrayBegin: open,
    onObjectEnd: close,
    onArrayEnd: close,
    onObjectProperty(property, offset) {
      if (depth === 1) name = { text: property, offset }
    },
    onLiteralValue(_value, offset, length) {
      if (depth !== 1) return
      start = offset
      end(offset + length)
    },
  })
  return name ? withCamelCase(found) : found
}
