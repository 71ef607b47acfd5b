import type { Secret } from '#contract'
import type { z } from 'zod'

import { issuesOf } from '../config/issues.ts'
import type { Issue } from '../config/issues.ts'
import { inputJsonSchema, knownKeys } from '../config/json-schema.ts'
import type { Fault } from '../errors.ts'
import { inspectSecret } from './inspect-secret.ts'
import type { SecretLoading } from './inspect-secret.ts'

/** How definitions of one kind are read. */
export interface DefinitionKind<Field extends string, T> {
  readonly schema: z.ZodType<T>
  /** The property that holds the secrets. */
  readonly secretsIn: Field
  /** How a fault names a definition that may be anything: `client "batch"`. */
  name(value: unknown): string
}

export interface Reading<T> {
  /** With its sound secrets; absent when more than secrets was wrong. */
  readonly value?: T
  readonly faults: readonly Fault[]
}

/**
 * Checks one definition and its secrets: a bad secret is left out, with a fault, its neighbours are not.
 * @param locate says where something in the definition stands
 */
export function readWithSecrets<
  Field extends string,
  T extends Readonly<Record<Field, readonly Secret[]>>,
>(
  definition: unknown,
  locate: (path: readonly PropertyKey[]) => string,
  kind: DefinitionKind<Field, T>,
  loading: SecretLoading,
): Reading<T> {
  const field = kind.secretsIn
  const name = kind.name(definition)
  const { value, positions, issues } = parse(definition, kind)
  const severity = value ? 'disabled' : 'error'
  const faults = issues.map((issue): Fault => {
    const place = [name, issue.path.map(String).join('.')].filter(Boolean).join(': ')
    const known = issue.unknownKey ? knownKeys(inputJsonSchema(kind.schema), issue.path) : []
    const hint = known.length > 0 ? `; known here: ${known.join(', ')}` : ''
    return { at: locate(issue.path), message: `${place}: ${issue.message}${hint}`, severity }
  })
  if (!value) return { faults }
  const taken = new Set<string>()
  const sound = value[field].filter((secret, index) => {
    const findings = inspectSecret(secret, loading, taken)
    for (const { path, severity: weight, message } of findings) {
      const at = locate([field, positions[index] ?? index, ...path])
      const text = `${name}, secret "${secret.description ?? secret.type}": ${message}`
      faults.push({ at, severity: weight, message: text })
    }
    return !findings.some((finding) => finding.severity === 'disabled')
  })
  return { value: { ...value, [field]: sound }, faults }
}

interface Parsed<T> {
  readonly value?: T
  /** Where each secret that is left stood in the definition; empty: all are left. */
  readonly positions: readonly number[]
  readonly issues: readonly Issue[]
}

function parse<Field extends string, T>(
  definition: unknown,
  { schema, secretsIn }: DefinitionKind<Field, T>,
): Parsed<T> {
  const first = schema.safeParse(definition, { reportInput: true })
  if (first.success) return { value: first.data, positions: [], issues: [] }

  const issues = issuesOf(first.error)
  const bad = new Set(issues.map(({ path }) => secretIndex(path, secretsIn)))
  if (bad.has(undefined)) return { positions: [], issues }
  const record = definition as Readonly<Record<string, readonly unknown[]>>
  const secrets = record[secretsIn] ?? []
  const positions = [...secrets.keys()].filter((index) => !bad.has(index))
  const rest = { ...record, [secretsIn]: positions.map((index) => secrets[index]) }
  const second = schema.safeParse(rest, { reportInput: true })
  return { ...(second.success && { value: second.data }), positions, issues }
}

function secretIndex([field, index]: Issue['path'], secretsIn: string): number | undefined {
  return field === secretsIn && typeof index === 'number' ? index : undefined
}
