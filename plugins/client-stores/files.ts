import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'

import type {
  ClientStore,
  ClientStorePlugin,
  Definition,
  Definitions,
  PluginHost,
  SourceFault,
} from '#contract'
import { z } from 'zod'

const ENDINGS = new Set(['.yaml', '.yml', '.json'])

const options = z.strictObject({ path: z.string().min(1) })

/** Client definitions from one file, or from all YAML and JSON files of one folder. */
export default {
  contract: 1,
  options,
  setup({ path: configured }, host): ClientStore {
    const source = host.resolve(configured)
    return {
      watches: [source],
      load: async () => merge(filesOf(source).map((file) => definitionsOf(host.readFile(file)))),
    }
  },
} satisfies ClientStorePlugin<z.infer<typeof options>>

function filesOf(source: string): readonly string[] {
  if (!statSync(source).isDirectory()) return [source]
  return readdirSync(source)
    .filter((name) => ENDINGS.has(path.extname(name)) && !name.startsWith('.'))
    .toSorted()
    .map((name) => path.join(source, name))
}

function definitionsOf(file: ReturnType<PluginHost['readFile']>): Definitions {
  if ('message' in file) return { definitions: [], faults: [file] }
  const list = findList(file.value)
  if (list === undefined) {
    const message = 'holds no list of clients; write `clients:` and a list under it'
    return { definitions: [], faults: [{ at: file.locate([]), message }] }
  }
  const definitions = list.values.map((value, index): Definition => {
    const at = [...list.path, index]
    return { ...file, value, locate: (inner) => file.locate([...at, ...inner]) }
  })
  return { definitions, faults: list.others.map((key) => other(file, key)) }
}

interface List {
  readonly path: readonly string[]
  readonly values: readonly unknown[]
  readonly others: readonly string[]
}

/** A bare list, `clients:`, or IdentityServer's section with or without its heading. */
function findList(value: unknown): List | undefined {
  if (Array.isArray(value)) return { path: [], values: value, others: [] }
  if (typeof value !== 'object' || value === null) return undefined
  const keys = Object.keys(value)
  const record = value as Record<string, unknown>
  const name = keys.find((key) => key === 'clients' || key === 'Clients')
  if (name === undefined) {
    const inner = findList(record['IdentityServer'])
    return inner && { ...inner, path: ['IdentityServer', ...inner.path], others: [] }
  }
  const values = record[name]
  if (!Array.isArray(values)) return undefined
  // IdentityServer's section holds its resources beside the clients; a lower-case file is ours.
  return { path: [name], values, others: name === 'clients' ? keys.filter((k) => k !== name) : [] }
}

function other(file: Definition, key: string): SourceFault {
  return { at: file.locate([key]), message: `${key}: is not known here; expected only \`clients\`` }
}

function merge(all: readonly Definitions[]): Definitions {
  return {
    definitions: all.flatMap((one) => one.definitions),
    faults: all.flatMap((one) => one.faults),
  }
}
