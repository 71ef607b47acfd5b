import type { Slot } from '#contract'

type Kind = 'string' | 'strings' | 'function' | 'array' | 'boolean'
type Shape = Readonly<Record<string, Kind | `${Kind}?`>>

/** What a part must and may have before we trust its type: the slot is the interface. */
const SHAPES: Readonly<Record<Slot, Shape>> = {
  parsers: {
    method: 'string',
    produces: 'string',
    parse: 'function',
    advertises: 'strings?',
    ambient: 'boolean?',
    challenge: 'string?',
    privateHeaders: 'strings?',
    behindProxy: 'function?',
  },
  validators: {
    accepts: 'string',
    secretTypes: 'strings',
    validate: 'function',
    inspect: 'function?',
    secretProperties: 'strings?',
    advertises: 'strings?',
    signingAlgorithms: 'strings?',
    decoys: 'array?',
  },
  'client-stores': { load: 'function', watches: 'strings?' },
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
    onConnection: 'function?',
    close: 'function',
  },
  'identity-headers': { names: 'strings', headers: 'function' },
}

export const SLOTS = Object.keys(SHAPES) as readonly Slot[]

const WORDS: Readonly<Record<Kind, string>> = {
  string: 'a text',
  strings: 'a list of texts',
  function: 'a function',
  array: 'a list',
  boolean: 'true or false',
}

/** @returns what the value lacks to fill the slot, or undefined */
export function shapeFault(slot: Slot, part: unknown): string | undefined {
  if (typeof part !== 'object' || part === null) return 'returned no part from setup, not an object'
  for (const [name, written] of Object.entries(SHAPES[slot])) {
    const kind = written.replace('?', '') as Kind
    const value: unknown = Reflect.get(part, name)
    if (value === undefined && written.endsWith('?')) continue
    if (!isOfKind(value, kind)) return `returned a part whose "${name}" is not ${WORDS[kind]}`
  }
  return undefined
}

function isOfKind(value: unknown, kind: Kind): boolean {
  if (kind === 'array') return Array.isArray(value)
  if (kind === 'strings') {
    return Array.isArray(value) && value.every((one) => typeof one === 'string' && one !== '')
  }
  return kind === 'string' ? typeof value === 'string' && value !== '' : typeof value === kind
}
