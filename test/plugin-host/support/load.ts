import type { ExecutionContext } from 'ava'

import { loadPlugins } from '../../../src/plugin-host/load-plugins.ts'
import type { Plugins, PluginSettings } from '../../../src/plugin-host/load-plugins.ts'
import { aHost } from '../../contract/build.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

/** A parser as short as can be. */
export const PARSER = `export default {
  contract: 1,
  setup: () => ({ method: 'none', produces: 'shared_secret', parse: () => undefined }),
}`

export interface Loaded {
  readonly plugins: Plugins
  readonly folder: string
  readonly ids: readonly string[]
  /** The faults, with the folder left out. */
  readonly lines: readonly string[]
}

/** Loads the plugins of a folder of these files. Settings are located as `at a.b.c`. */
export async function load(
  t: ExecutionContext,
  files: Readonly<Record<string, string | Uint8Array>>,
  settings: Partial<PluginSettings> = {},
): Promise<Loaded> {
  return loadFrom(temporaryFolder(t, files), settings)
}

/** As `load`, of a folder that is there. */
export async function loadFrom(
  folder: string,
  settings: Partial<PluginSettings> = {},
): Promise<Loaded> {
  const { plugins, faults } = await loadPlugins(
    { folders: [folder], options: {}, disabled: [], ...settings },
    aHost(),
    (path) => `at ${path.map(String).join('.')}`,
  )
  const lines = faults.map(({ at, message }) => `${at}: ${message}`.replaceAll(`${folder}/`, ''))
  return { plugins, folder, ids: plugins.all.map(({ id }) => id), lines }
}
