import { z } from 'zod'

import { settingsSchema } from './settings-schema.ts'

/** A JSON Schema node, as far as we read it again. */
export interface JsonSchema {
  readonly title?: string
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
  const schema = inputJsonSchema(settingsSchema({ folder: '.', env: {} }))
  return { title: 'Vouchgate configuration', ...schema }
}

const made = new WeakMap<z.ZodType, JsonSchema>()

/** The JSON Schema of what a schema takes, made once. */
export function inputJsonSchema(schema: z.ZodType): JsonSchema {
  const known = made.get(schema)
  if (known) return known
  const fresh = z.toJSONSchema(schema, { io: 'input', reused: 'inline' }) as JsonSchema
  made.set(schema, fresh)
  return fresh
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
