import type { PluginHost, Slot } from '#contract'

import type { Fault } from '../errors.ts'
import { discover } from './discover.ts'
import type { PluginFile } from './discover.ts'
import { loadModule } from './load-module.ts'
import type { LoadedModule } from './load-module.ts'
import { checkOptions, setUp } from './set-up.ts'
import type { ReadyPlugin } from './set-up.ts'

/** Which plugins may be loaded from where, and with which options. */
export interface PluginSettings {
  readonly folders: readonly string[]
  readonly options: Readonly<Record<string, unknown>>
  readonly disabled: readonly string[]
  /** Plugin id → `sha256:…`; absent: everything that is found. */
  readonly allow?: Readonly<Record<string, string>> | undefined
}

type UsedSlot = 'client-stores' | 'state-stores'

/** A plugin of a slot where the configuration names which one is used. */
export interface UsedPlugin<S extends UsedSlot = UsedSlot> {
  readonly slot: S
  readonly name: string
  readonly options: Readonly<Record<string, unknown>>
  readonly at: string
}

export interface Plugins {
  /** All that were loaded, in use or not. */
  readonly all: readonly PluginFile[]
  /** Those of a slot where all are set up: parsers, validators, identity headers. */
  of<S extends Slot>(slot: S): readonly ReadyPlugin<S>[]
  /** Sets up, anew, a plugin that the configuration names. */
  use<S extends UsedSlot>(used: UsedPlugin<S>): Promise<ReadyPlugin<S> | Fault>
  /** What would keep `use` from working, as far as that shows without setting anything up. */
  check(used: UsedPlugin): Promise<Fault | undefined>
}

const EAGER = new Set<Slot>(['parsers', 'validators', 'identity-headers'])

/**
 * Discovers, loads and sets up plugins.
 * @param locate says where the options of a plugin stand
 */
export async function loadPlugins(
  settings: PluginSettings,
  host: PluginHost,
  locate: (path: readonly PropertyKey[]) => string,
): Promise<{ readonly plugins: Plugins; readonly faults: readonly Fault[] }> {
  const discovered = settings.folders.map(discover)
  const faults: Fault[] = discovered.flatMap((one) => one.faults)
  const allowed = choose(
    discovered.flatMap((one) => one.found),
    settings,
    faults,
  )
  for (const id of [...Object.keys(settings.options), ...settings.disabled]) {
    if (allowed.some((file) => file.id === id) || settings.disabled.includes(id)) continue
    const message = `plugins.options: there is no plugin ${id}`
    faults.push({ at: locate(['plugins', 'options', id]), message, severity: 'error' })
  }

  const modules: LoadedModule[] = []
  for (const outcome of await Promise.all(allowed.map(loadModule))) {
    if ('message' in outcome) faults.push(outcome)
    else modules.push(outcome)
  }
  const ready: ReadyPlugin[] = []
  for (const module of modules.filter(({ slot }) => EAGER.has(slot))) {
    const at = locate(['plugins', 'options', module.id])
    const outcome = await setUp(module, settings.options[module.id], host, at)
    if ('message' in outcome) faults.push(outcome)
    else ready.push(outcome)
  }
  faults.push(...sharedSecretTypes(ready))

  const named = ({ slot, name, at }: UsedPlugin): LoadedModule | Fault => {
    const there = modules.filter((one) => one.slot === slot)
    const names = there.map((one) => one.name).join(', ')
    const message = `there is no plugin ${slot}/${name}; there is ${names}`
    return there.find((one) => one.name === name) ?? { at, message, severity: 'error' }
  }
  return {
    faults,
    plugins: {
      all: modules,
      of: (slot) => ready.filter((plugin) => plugin.slot === slot) as never,
      async use(used) {
        const module = named(used)
        if ('message' in module) return module
        return (await setUp(module, used.options, host, used.at)) as never
      },
      async check(used) {
        const module = named(used)
        if ('message' in module) return module
        const checked = await checkOptions(module, used.options, used.at)
        return 'message' in checked ? checked : undefined
      },
    },
  }
}

function choose(found: readonly PluginFile[], settings: PluginSettings, faults: Fault[]) {
  const chosen = new Map<string, PluginFile>()
  for (const file of found) {
    if (settings.disabled.includes(file.id)) continue
    const pin = settings.allow?.[file.id]
    const twin = chosen.get(file.id)
    const message =
      settings.allow && pin === undefined
        ? `plugin ${file.id} is not in plugins.allow`
        : pin !== undefined && pin !== `sha256:${file.sha256}`
          ? `plugin ${file.id} has the contents sha256:${file.sha256}, not those that plugins.allow pins`
          : twin && `plugin ${file.id} stands in ${twin.file} too; disable or rename one`
    if (message === undefined) chosen.set(file.id, file)
    else faults.push({ at: file.file, message, severity: 'error' })
  }
  for (const id of Object.keys(settings.allow ?? {})) {
    if (found.some((file) => file.id === id)) continue
    const message = `plugin ${id} is pinned but was not found`
    faults.push({ at: 'plugins.allow', message, severity: 'error' })
  }
  return [...chosen.values()]
}

// Two validators for one type and one kind of credential would make the order of files decide who may come in.
function sharedSecretTypes(ready: readonly ReadyPlugin[]): readonly Fault[] {
  const owner = new Map<string, ReadyPlugin>()
  const faults: Fault[] = []
  for (const plugin of ready) {
    if (plugin.slot !== 'validators') continue
    const { accepts, secretTypes } = (plugin as ReadyPlugin<'validators'>).part
    for (const type of secretTypes) {
      const other = owner.get(`${accepts} ${type}`)
      owner.set(`${accepts} ${type}`, plugin)
      if (!other) continue
      const message = `plugin ${plugin.id} checks ${type} secrets, and so does ${other.id}; disable one`
      faults.push({ at: plugin.file, message, severity: 'error' })
    }
  }
  return faults
}
