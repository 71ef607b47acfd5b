import { visit } from 'jsonc-parser'

export type JsonObject = Readonly<Record<string, unknown>>

/** JSON whose value is an object, in which no object says the same name twice; else undefined. */
export function strictJsonObject(bytes: Uint8Array): JsonObject | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    return saysTwice(text) ? undefined : (value as JsonObject)
  } catch {
    // No UTF-8, no JSON, or nested so deep that no reader would follow.
    return undefined
  }
}

/** Whoever reads the same text next might take the other value. */
function saysTwice(json: string): boolean {
  const open: Set<string>[] = []
  let twice = false
  visit(json, {
    onObjectBegin: () => void open.push(new Set()),
    onObjectEnd: () => void open.pop(),
    onObjectProperty(name) {
      const names = open.at(-1)
      twice ||= names?.has(name) === true
      names?.add(name)
    },
  })
  return twice
}
