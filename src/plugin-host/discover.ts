import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'

import type { Slot } from '#contract'

import type { Fault } from '../errors.ts'
import { SLOTS } from './slots.ts'

/** A plugin file that was found, not yet loaded. */
export interface PluginFile {
  readonly slot: Slot
  /** Its path inside the slot, without the ending. */
  readonly name: string
  /** `slot/name`: how settings speak of it. */
  readonly id: string
  /** Absolute path of the module. */
  readonly file: string
  /** Over the file, or over all files of its folder; 64 hexadecimal digits. */
  readonly sha256: string
}

const MODULE = /^(?<name>[^.].*?)\.(?:ts|js|mjs)$/
const DECLARATIONS = /\.d\.ts$/

/** Finds the plugins of one folder: `<slot>/<name>.ts`, or `<slot>/<name>/index.ts`; `.js` and `.mjs` too. */
export function discover(folder: string): {
  readonly found: readonly PluginFile[]
  readonly faults: readonly Fault[]
} {
  const found: PluginFile[] = []
  const faults: Fault[] = []
  for (const entry of list(folder, faults)) {
    if (!entry.isDirectory) continue
    const slot = SLOTS.find((known) => known === entry.name)
    if (!slot) {
      const message = `is no slot; there is ${SLOTS.join(', ')}`
      faults.push({ at: entry.path, message, severity: 'error' })
      continue
    }
    for (const item of list(entry.path, faults)) {
      const module = moduleOf(item)
      if (module) {
        const sha256 = hash(item.path)
        found.push({ slot, ...module, id: `${slot}/${module.name}`, sha256 })
      } else if (item.isDirectory) {
        const message = 'holds no index.ts, index.js or index.mjs'
        faults.push({ at: item.path, message, severity: 'error' })
      }
    }
  }
  return { found, faults }
}

interface Entry {
  readonly name: string
  readonly path: string
  readonly isDirectory: boolean
}

// A mounted ConfigMap shows its files as links into `..data`, so links are followed and hidden names left out.
function list(folder: string, faults: Fault[]): readonly Entry[] {
  try {
    return readdirSync(folder)
      .filter((name) => !name.startsWith('.') && name !== 'node_modules')
      .toSorted()
      .map((name) => {
        const full = path.join(folder, name)
        return { name, path: full, isDirectory: statSync(full).isDirectory() }
      })
  } catch (error) {
    const message = `cannot be read: ${(error as Error).message}`
    faults.push({ at: folder, message, severity: 'error' })
    return []
  }
}

function moduleOf(item: Entry): { readonly name: string; readonly file: string } | undefined {
  if (item.isDirectory) {
    const index = readdirSync(item.path).find((name) => /^index\.(ts|js|mjs)$/.test(name))
    return index === undefined ? undefined : { name: item.name, file: path.join(item.path, index) }
  }
  const name = MODULE.exec(item.name)?.groups?.['name']
  return name === undefined || DECLARATIONS.test(item.name) ? undefined : { name, file: item.path }
}

function hash(source: string): string {
  if (!statSync(source).isDirectory()) {
    return createHash('sha256').update(readFileSync(source)).digest('hex')
  }
  const whole = createHash('sha256')
  for (const name of readdirSync(source).toSorted()) {
    whole.update(JSON.stringify([name, hash(path.join(source, name))]))
  }
  return whole.digest('hex')
}
