import type { PluginHost, Slot, Slots } from '#contract'

import type { Fault } from '../errors.ts'
import type { PluginFile } from './discover.ts'
import type { LoadedModule } from './load-module.ts'
import { shapeFault } from './slots.ts'
import { withTimeLimit } from './time-limit.ts'

/** A plugin that is ready: where it came from, and the part that it returned. */
export interface ReadyPlugin<S extends Slot = Slot> extends PluginFile {
  readonly part: Slots[S]
}

// Setting up may open a database; it happens once, before anybody waits for an answer.
const SETUP_LIMIT = 30_000

/**
 * Checks a plugin's options. @param at where they stand
 * @returns the options completed, in a box, or the fault
 */
export async function checkOptions(
  { plugin, ...found }: LoadedModule,
  options: unknown,
  at: string,
): Promise<{ readonly options: unknown } | Fault> {
  const fault = (message: string): Fault => {
    return { at, message: `plugin ${found.id} ${message}`, severity: 'error' }
  }
  const schema = plugin.options?.['~standard']
  if (!schema) return options === undefined ? { options } : fault('takes no options')
  const checked = await schema.validate(options ?? {})
  if (!checked.issues) return { options: checked.value }
  const issues = checked.issues.map(({ path = [], message }) =>
    [path.map((step) => String(typeof step === 'object' ? step.key : step)).join('.'), message]
      .filter(Boolean)
      .join(': '),
  )
  return fault(`has bad options: ${issues.join('; ')}`)
}

/** Checks a plugin's options and sets it up. @param at where its options stand */
export async function setUp<S extends Slot>(
  module: LoadedModule & { readonly slot: S },
  options: unknown,
  host: PluginHost,
  at: string,
): Promise<ReadyPlugin<S> | Fault> {
  const { plugin, ...file } = module
  const fault = (message: string): Fault => {
    return { at: module.file, message: `plugin ${module.id} ${message}`, severity: 'error' }
  }
  try {
    const checked = await checkOptions(module, options, at)
    if ('message' in checked) return checked
    const part = await withTimeLimit(plugin.setup(checked.options, host), SETUP_LIMIT)
    const lacking = shapeFault(module.slot, part)
    return lacking === undefined ? { ...file, part: part as Slots[S] } : fault(lacking)
  } catch (error) {
    return fault(`could not be set up: ${error instanceof Error ? error.message : 'it threw'}`)
  }
}
