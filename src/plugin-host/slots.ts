import type { Slot } from '#contract'

type Shape = Readonly<Record<string, 'string' | 'function' | 'array' | 'boolean'>>

/** What a part must have before we trust its type: the slot is the interface. */
export const SHAPES: Readonly<Record<Slot, Shape>> = {
  parsers: { method: 'string', produces: 'string', parse: 'function' },
  validators: { accepts: 'string', secretTypes: 'array', validate: 'function' },
  'client-stores': { load: 'function' },
  'state-stores': {
    shared: 'boolean',
    durable: 'boolean',
    get: 'function',
    set: 'function',
    add: 'function',
    delete: 'function',
    increment: 'function',
    publish: 'function',
    subscribe: 'function',
    close: 'function',
  },
  'identity-headers': { names: 'array', headers: 'function' },
}

export const SLOTS = Object.keys(SHAPES) as readonly Slot[]

/** @returns what the value lacks to fill the slot, or undefined */
export function shapeFault(slot: Slot, part: unknown): string | undefined {
  if (typeof part !== 'object' || part === null) return 'setup did not return an object'
  const lacking = Object.entries(SHAPES[slot]).find(([name, type]) => {
    const value: unknown = Reflect.get(part, name)
    return type === 'array' ? !Array.isArray(value) : typeof value !== type
  })
  return lacking && `setup returned a part whose ${lacking[0]} is not a ${lacking[1]}`
}
