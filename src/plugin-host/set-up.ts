import type { PluginHost, Slot, Slots } from '#contract'

import type { Fault } from '../errors.ts'
import type { PluginFile } from './discover.ts'
import { guardPart } from './guard-part.ts'
import type { LoadedModule } from './load-module.ts'
import { shapeFault } from './slots.ts'
import { withTimeLimit } from './time-limit.ts'

/** A plugin that is ready: where it came from, and the part that it returned. */
export interface ReadyPlugin<S extends Slot = Slot> extends PluginFile {
  readonly part: Slots[S]
}

// Setting up may open a database; it happens once, before anybody waits for an answer.
const SETUP_LIMIT = 30_000

/** Says where something in the options of a plugin stands. */
export type LocateOption = (path: readonly PropertyKey[]) => string

/** Checks a plugin's options. @returns the options completed, in a box, or the fault */
export async function checkOptions(
  { plugin, ...found }: LoadedModule,
  options: unknown,
  locate: LocateOption,
): Promise<{ readonly options: unknown } | Fault> {
  const fault = (message: string, path: readonly PropertyKey[] = []): Fault => {
    return { at: locate(path), message: `plugin ${found.id} ${message}`, severity: 'error' }
  }
  const schema = plugin.options?.['~standard']
  if (!schema) return isNothing(options) ? { options: undefined } : fault('takes no options')
  let checked: Awaited<ReturnType<typeof schema.validate>>
  try {
    checked = await withTimeLimit(schema.validate(options ?? {}), SETUP_LIMIT)
  } catch (error) {
    return fault(`could not check its options: ${reasonOf(error)}`)
  }
  if (!checked.issues) return { options: checked.value }
  const issues = checked.issues.map(({ path = [], message }) => ({
    path: path.map((step) => (typeof step === 'object' ? step.key : step)),
    message,
  }))
  const sentences = issues.map(({ path, message }) =>
    [path.map(String).join('.'), message].filter(Boolean).join(': '),
  )
  return fault(`has bad options: ${sentences.join('; ')}`, issues[0]?.path)
}

function isNothing(options: unknown): boolean {
  return options === undefined || (isObject(options) && Object.keys(options).length === 0)
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'it threw'
}

/** Checks a plugin's options and sets it up. */
export async function setUp<S extends Slot>(
  module: LoadedModule & { readonly slot: S },
  options: unknown,
  host: PluginHost,
  locate: LocateOption,
): Promise<ReadyPlugin<S> | Fault> {
  const { plugin, ...file } = module
  const fault = (message: string): Fault => {
    return { at: module.file, message: `plugin ${module.id} ${message}`, severity: 'error' }
  }
  try {
    const checked = await checkOptions(module, options, locate)
    if ('message' in checked) return checked
    const part = await withTimeLimit(plugin.setup(checked.options, host), SETUP_LIMIT)
    const lacking = shapeFault(module.slot, part)
    return lacking === undefined
      ? { ...file, part: guardPart(module.slot, part as Slots[S]) }
      : fault(lacking)
  } catch (error) {
    return fault(`could not be set up: ${reasonOf(error)}`)
  }
}
