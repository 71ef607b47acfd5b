import type { Plugin } from '#contract'

import type { Fault } from '../errors.ts'
import type { PluginFile } from './discover.ts'
import { carryHash } from './carry-hash.ts'
import { withTimeLimit } from './time-limit.ts'

/** A plugin whose module was loaded, not yet set up. */
export interface LoadedModule extends PluginFile {
  readonly plugin: Plugin<unknown, unknown>
}

const IMPORT_LIMIT = 30_000

/** Imports a plugin file and checks its default export. */
export async function loadModule(found: PluginFile): Promise<LoadedModule | Fault> {
  // A changed plugin is another module; an unchanged one is not loaded twice.
  const url = carryHash(found.file, found.sha256)
  let module: { readonly default?: unknown }
  try {
    module = await withTimeLimit(import(url.href) as Promise<typeof module>, IMPORT_LIMIT)
  } catch (error) {
    return fault(found, `cannot be loaded: ${error instanceof Error ? error.message : 'it threw'}`)
  }
  const plugin = module.default
  if (typeof plugin !== 'object' || plugin === null) {
    return fault(found, 'has no default export; write export default { contract: 1, setup() {…} }')
  }
  const { contract, setup, options } = plugin as Partial<Plugin<unknown, unknown>>
  if (contract === undefined) return fault(found, 'does not say its contract; write contract: 1')
  if (contract !== 1) {
    return fault(found, `is written for contract ${JSON.stringify(contract)}; this is contract 1`)
  }
  if (typeof setup !== 'function') return fault(found, 'has no setup function')
  if (options !== undefined && typeof options['~standard']?.validate !== 'function') {
    return fault(found, 'has options that are no Standard Schema')
  }
  return { ...found, plugin: plugin as Plugin<unknown, unknown> }
}

function fault(found: PluginFile, message: string): Fault {
  return { at: found.file, message: `plugin ${found.id} ${message}`, severity: 'error' }
}
