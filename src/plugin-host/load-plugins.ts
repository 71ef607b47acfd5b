import type { PluginHost, Slot } from '#contract'

import type { Fault } from '../errors.ts'
import { discover } from './discover.ts'
import type { PluginFile } from './discover.ts'
import { loadModule } from './load-module.ts'
import type { LoadedModule } from './load-module.ts'
import { checkOptions, setUp } from './set-up.ts'
import type { LocateOption, ReadyPlugin } from './set-up.ts'

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
  /** Says where something in its options stands. */
  readonly locate: LocateOption
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
 * @param locate says where a setting stands
 */
export async function loadPlugins(
  settings: PluginSettings,
  host: PluginHost,
  locate: LocateOption,
): Promise<{ readonly plugins: Plugins; readonly faults: readonly Fault[] }> {
  const discovered = settings.folders.map(discover)
  const faults: Fault[] = discovered.flatMap((one) => one.faults)
  const found = discovered.flatMap((one) => one.found)
  const allowed = choose(found, settings, locate, faults)
  faults.push(...idleSettings(found, settings, locate))

  const modules: LoadedModule[] = []
  for (const outcome of await Promise.all(allowed.map(loadModule))) {
    if ('message' in outcome) faults.push(outcome)
    else modules.push(outcome)
  }
  const ready: ReadyPlugin[] = []
  for (const module of modules.filter(({ slot }) => EAGER.has(slot))) {
    const within: LocateOption = (path) => locate(['plugins', 'options', module.id, ...path])
    const outcome = await setUp(module, settings.options[module.id], host, within)
    if ('message' in outcome) faults.push(outcome)
    else ready.push(outcome)
  }
  faults.push(...sharedSecretTypes(ready))

  const named = ({ slot, name, locate: within }: UsedPlugin): LoadedModule | Fault => {
    const there = modules.filter((one) => one.slot === slot)
    const names = there.map((one) => one.name).join(', ')
    const message = `there is no plugin ${slot}/${name}; there is ${names}`
    return (
      there.find((one) => one.name === name) ?? { at: within(['use']), message, severity: 'error' }
    )
  }
  return {
    faults,
    plugins: {
      all: modules,
      of: (slot) => ready.filter((plugin) => plugin.slot === slot) as never,
      async use(used) {
        const module = named(used)
        if ('message' in module) return module
        return (await setUp(module, used.options, host, used.locate)) as never
      },
      async check(used) {
        const module = named(used)
        if ('message' in module) return module
        const checked = await checkOptions(module, used.options, used.locate)
        return 'message' in checked ? checked : undefined
      },
    },
  }
}

function choose(
  found: readonly PluginFile[],
  settings: PluginSettings,
  locate: LocateOption,
  faults: Fault[],
): readonly PluginFile[] {
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
          : twin && `plugin ${file.id} stands in ${twin.file} too; rename one`
    if (message === undefined) chosen.set(file.id, file)
    else faults.push({ at: file.file, message, severity: 'error' })
  }
  for (const id of Object.keys(settings.allow ?? {})) {
    if (found.some((file) => file.id === id)) continue
    const message = `plugins.allow: there is no plugin ${id}`
    faults.push({ at: locate(['plugins', 'allow', id]), message, severity: 'error' })
  }
  return [...chosen.values()]
}

/** Settings that speak of a plugin that is not there, or is not asked for them: somebody believes they count. */
function idleSettings(
  found: readonly PluginFile[],
  { options, disabled }: PluginSettings,
  locate: LocateOption,
): readonly Fault[] {
  const fault = (where: readonly PropertyKey[], message: string): Fault => {
    return { at: locate(['plugins', ...where]), message, severity: 'error' }
  }
  const missing = (id: string) => !found.some((file) => file.id === id)
  return [
    ...disabled.flatMap((id, index) =>
      missing(id) ? fault(['disabled', index], `plugins.disabled: there is no plugin ${id}`) : [],
    ),
    ...Object.keys(options).flatMap((id) => {
      if (missing(id)) return fault(['options', id], `plugins.options: there is no plugin ${id}`)
      const file = found.find((one) => one.id === id)
      const elsewhere = file && ELSEWHERE[file.slot]
      return elsewhere === undefined
        ? []
        : fault(['options', id], `plugins.options: the options of ${id} stand in ${elsewhere}`)
    }),
  ]
}

const ELSEWHERE: Readonly<Partial<Record<Slot, string>>> = {
  'client-stores': '`clients`, beside `use`',
  'state-stores': '`state`, beside `use`',
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
