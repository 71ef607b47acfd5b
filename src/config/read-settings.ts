import type { Fault } from '../errors.ts'
import { issuesOf } from './issues.ts'
import { knownKeys, settingsJsonSchema } from './json-schema.ts'
import { applyOverrides, assignment, environmentOverrides } from './overrides.ts'
import { settingsSchema } from './settings-schema.ts'
import type { Settings } from './settings-schema.ts'
import { readYaml } from './yaml-source.ts'
import type { YamlSource } from './yaml-source.ts'

/** Where settings come from: the file, the environment over it, `--set path=value` over both. */
export interface SettingsSource {
  readonly file: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly assignments: readonly string[]
  /** Added to the fault when the file is not there. */
  readonly hint?: string
  /** Told of every file that was read through a reference. */
  readonly onFile?: (file: string) => void
}

export interface SettingsReading {
  /** Absent when a fault is an error. */
  readonly settings?: Settings
  readonly source?: YamlSource
  readonly faults: readonly Fault[]
  /** Says where a setting came from. */
  locate(path: readonly PropertyKey[]): string
}

/** Reads and checks the configuration; all faults at once. */
export function readSettings(from: SettingsSource, shown = from.file): SettingsReading {
  const source = readYaml(from.file, shown)
  if ('message' in source) {
    const message = [source.message, from.hint].filter(Boolean).join('; ')
    return { faults: [{ ...source, message }], locate: () => source.at }
  }

  const schema = settingsJsonSchema()
  const faults: Fault[] = []
  const environment = environmentOverrides(from.env, schema)
  for (const name of environment.unknown) {
    faults.push({ at: name, message: 'names no setting', severity: 'note' })
  }
  const assigned = from.assignments.flatMap((text) => {
    const outcome = assignment(text, schema)
    if (!('message' in outcome)) return [outcome]
    faults.push(outcome)
    return []
  })

  const overrides = [...environment.overrides, ...assigned]
  const locate = (path: readonly PropertyKey[]) =>
    overrides.findLast((one) => one.path.every((step, index) => step === path[index]))?.at ??
    source.locate(path)

  const applied = applyOverrides(source.value, overrides)
  faults.push(...applied.faults)
  const checked = settingsSchema({ ...from, folder: source.folder })
  const parsed = checked.safeParse(applied.value, { reportInput: true })
  for (const issue of parsed.error ? issuesOf(parsed.error) : []) {
    const name = issue.path.map(String).join('.') || 'configuration'
    const known = issue.unknownKey
      ? `; known here: ${knownKeys(schema, issue.path).join(', ')}`
      : ''
    const message = `${name}: ${issue.message}${known}`
    faults.push({ at: locate(issue.path), message, severity: 'error' })
  }
  const usable = parsed.success && !faults.some((fault) => fault.severity === 'error')
  return { ...(usable ? { settings: parsed.data } : {}), source, faults, locate }
}
