import { z } from 'zod'

import { settingsSchema } from './settings-schema.ts'

/** A JSON Schema node, as far as we read it again. */
export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly description?: string
  readonly default?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
}

/** The JSON Schema of the configuration file, for editors and for the reference in `docs/`. */
export function settingsJsonSchema(): JsonSchema {
  const schema = z.toJSONSchema(settingsSchema({ folder: '.', env: {} }), {
    io: 'input',
    reused: 'inline',
  })
  return { title: 'Vouchgate configuration', ...schema } as JsonSchema
}

/** The keys that stand beside the one at a path. */
export function knownKeys(schema: JsonSchema, path: readonly PropertyKey[]): readonly string[] {
  let nodes: readonly JsonSchema[] = [schema]
  for (const step of path.slice(0, -1)) {
    nodes = nodes
      .flatMap((node) => [node, ...(node.anyOf ?? [])])
      .flatMap((node) =>
        typeof step === 'number' ? (node.items ?? []) : (node.properties?.[String(step)] ?? []),
      )
  }
  return nodes.flatMap((node) =>
    [node, ...(node.anyOf ?? [])].flatMap((one) => Object.keys(one.properties ?? {})),
  )
}
