import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'

import type { Slot } from '#contract'

import type { Fault } from '../errors.ts'
import { pluginHash } from './plugin-hash.ts'
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
  /** Of all that it runs of its own; 64 hexadecimal digits. */
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
  const fault = (at: string, message: string) => {
    faults.push({ at, message, severity: 'error' })
  }
  for (const entry of entriesOf(folder, fault)) {
    if (!entry.isFolder) continue
    const slot = SLOTS.find((known) => known === entry.name)
    if (!slot) {
      fault(entry.path, `is no slot; there is ${SLOTS.join(', ')}`)
      continue
    }
    for (const item of entriesOf(entry.path, fault)) {
      try {
        const module = moduleOf(item)
        if (module) {
          found.push({
            slot,
            ...module,
            id: `${slot}/${module.name}`,
            sha256: pluginHash(item.path),
          })
        } else if (item.isFolder) {
          fault(item.path, 'holds no index.ts, index.js or index.mjs')
        }
      } catch (error) {
        fault(item.path, unreadable(error))
      }
    }
  }
  return { found, faults }
}

interface Entry {
  readonly name: string
  readonly path: string
  readonly isFolder: boolean
}

// A mounted ConfigMap shows its files as links into `..data`, so links are followed and hidden names left out.
function entriesOf(folder: string, fault: (at: string, message: string) => void): readonly Entry[] {
  const names = attempt(
    () => readdirSync(folder),
    [],
    (error) => {
      fault(folder, unreadable(error))
    },
  )
  return names
    .filter((name) => !name.startsWith('.') && name !== 'node_modules')
    .toSorted()
    .flatMap((name): Entry[] => {
      const full = path.join(folder, name)
      const look = () => [{ name, path: full, isFolder: statSync(full).isDirectory() }]
      return attempt(look, [], (error) => {
        fault(full, unreadable(error))
      })
    })
}

function attempt<T>(action: () => T, otherwise: T, failed: (error: unknown) => void): T {
  try {
    return action()
  } catch (error) {
    failed(error)
    return otherwise
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'is not a folder',
  EACCES: 'may not be read by this user',
  ELOOP: 'is or holds a link that leads back to itself',
}

function unreadable(error: unknown): string {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException
  return REASONS[code] ?? `cannot be read (${code})`
}

const INDEX = /^index\.(ts|js|mjs)$/

function moduleOf(item: Entry): { readonly name: string; readonly file: string } | undefined {
  if (item.isFolder) {
    const index = readdirSync(item.path).find((name) => INDEX.test(name))
    return index === undefined ? undefined : { name: item.name, file: path.join(item.path, index) }
  }
  const name = MODULE.exec(item.name)?.groups?.['name']
  return name === undefined || DECLARATIONS.test(item.name) ? undefined : { name, file: item.path }
}
