import type { Fault } from '../errors.ts'
import type { JsonSchema } from './json-schema.ts'
import { parseYamlValue } from './yaml-source.ts'

/** A value from the environment or the command line, for one place in the configuration. */
export interface Override {
  readonly path: readonly string[]
  readonly value: unknown
  /** Where it came from, for an error text. */
  readonly at: string
}

const PREFIX = 'VOUCHGATE_'
// Not settings: the file itself, the corpora of the tests, and what Kubernetes sets for a Service named vouchgate.
const NOT_SETTINGS = /^VOUCHGATE_(CONFIG|CORPORA|SERVICE_(HOST|PORT).*|PORT(_\d+_(TCP|UDP).*)?)$/

/**
 * `VOUCHGATE_LISTEN_PORT=9443` → `listen.port`; words of a camel-case name are parted by `_`.
 * @returns the overrides, and the variables that look like ours but name no setting
 */
export function environmentOverrides(
  env: Readonly<Record<string, string | undefined>>,
  schema: JsonSchema,
): { readonly overrides: readonly Override[]; readonly unknown: readonly string[] } {
  const overrides: Override[] = []
  const known = new Set<string>()
  for (const { path, schema: leaf } of leaves(schema)) {
    const name = PREFIX + path.map(screaming).join('_')
    known.add(name)
    const text = env[name]
    if (text !== undefined) overrides.push({ path, value: read(text, leaf), at: name })
  }
  const unknown = Object.keys(env).filter(
    (name) => name.startsWith(PREFIX) && !known.has(name) && !NOT_SETTINGS.test(name),
  )
  return { overrides, unknown }
}

/** `listen.port=9443` → an override, or what is wrong with it. */
export function assignment(text: string, schema: JsonSchema): Override | Fault {
  const [dotted = '', ...rest] = text.split('=')
  const at = `--set ${dotted}`
  const leaf = leaves(schema).find(({ path }) => path.join('.') === dotted)
  if (leaf && rest.length > 0)
    return { path: leaf.path, value: read(rest.join('='), leaf.schema), at }
  const message = leaf ? 'has no value' : 'names no setting'
  return { at, message: `${message}; write --set listen.port=9443`, severity: 'error' }
}

/** Puts overrides into a copy of the value read from the file; later ones win. */
export function applyOverrides(
  value: unknown,
  overrides: readonly Override[],
): { readonly value: unknown; readonly faults: readonly Fault[] } {
  const root = { value: structuredClone(value) }
  const faults: Fault[] = []
  for (const { path, value: own, at } of overrides) {
    const steps = ['value', ...path]
    const last = steps.pop() ?? ''
    const node = steps.reduce<unknown>(enter, root)
    if (isRecord(node)) {
      node[last] = own
    } else {
      const message = `${path.slice(0, -1).join('.')} is no mapping in the file, so nothing in it can be set`
      faults.push({ at, message, severity: 'error' })
    }
  }
  return { value: root.value ?? {}, faults }
}

// What is empty in the file is made; what is something else is not overwritten without a word.
function enter(node: unknown, step: string): unknown {
  return isRecord(node) ? (node[step] ??= {}) : undefined
}

interface Leaf {
  readonly path: readonly string[]
  readonly schema: JsonSchema
}

/** All that may be set by itself: what is no mapping, or need not be one. */
function leaves(schema: JsonSchema, path: readonly string[] = []): readonly Leaf[] {
  const branches = schema.anyOf ?? [schema]
  const nested = branches.flatMap((branch) =>
    Object.entries(branch.properties ?? {}).flatMap(([name, child]) =>
      leaves(child, [...path, name]),
    ),
  )
  const isLeaf = branches.some((branch) => branch.properties === undefined)
  return isLeaf ? [{ path, schema }, ...nested] : nested
}

function read(text: string, leaf: JsonSchema): unknown {
  if (leaf.type === 'string') return text
  const parsed = parseYamlValue(text)
  return parsed ? (parsed.value ?? null) : text
}

function screaming(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase()
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
