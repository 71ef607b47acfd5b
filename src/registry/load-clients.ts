import type { Client, Definition, Secret, Validator } from '#contract'

import { issuesOf } from '../config/issues.ts'
import type { Issue } from '../config/issues.ts'
import type { Fault } from '../errors.ts'
import { clientSchema } from './client-schema.ts'
import type { ClientDefaults } from './client-schema.ts'
import { camelCased, isIgnored } from './identityserver-names.ts'

export interface ClientLoading {
  readonly defaults: ClientDefaults
  readonly env: Readonly<Record<string, string | undefined>>
  readonly onFile?: ((file: string) => void) | undefined
  readonly now: Date
  validatorsOf(secretType: string): readonly Validator[]
  readonly secretTypes: readonly string[]
}

export interface LoadedClients {
  readonly clients: readonly Client[]
  readonly faults: readonly Fault[]
}

/** Checks client definitions; a bad secret is left out of its client, a bad client is an error. */
export function loadClients(
  definitions: readonly Definition[],
  loading: ClientLoading,
): LoadedClients {
  const faults: Fault[] = []
  const clients = new Map<string, Client>()
  const schemaOf = schemas(loading)
  for (const definition of definitions) {
    const read = readClient(definition, schemaOf(definition.folder ?? '.'))
    faults.push(...read.faults)
    if (!read.client) continue
    const { clientId } = read.client
    if (clients.has(clientId)) {
      const message = `client "${clientId}" is defined twice`
      faults.push({ at: definition.locate(['clientId']), message, severity: 'error' })
      continue
    }
    const clientSecrets = read.client.clientSecrets.filter((secret, index) => {
      const found = inspect(secret, loading)
      for (const { path, severity, message } of found) {
        const at = definition.locate(['clientSecrets', read.positions[index] ?? index, ...path])
        const name = `client "${clientId}", secret "${secret.description ?? secret.type}"`
        faults.push({ at, severity, message: `${name}: ${message}` })
      }
      return !found.some(({ severity }) => severity === 'disabled')
    })
    clients.set(clientId, { ...read.client, clientSecrets })
  }
  return { clients: [...clients.values()], faults }
}

type Schema = ReturnType<typeof clientSchema>

/** One schema a folder: references start there. */
function schemas(loading: ClientLoading): (folder: string) => Schema {
  const made = new Map<string, Schema>()
  return (folder) => {
    const schema = made.get(folder) ?? clientSchema({ folder, ...loading }, loading.defaults)
    made.set(folder, schema)
    return schema
  }
}

interface ClientReading {
  readonly client?: Client
  /** Where each secret that is left stood in the definition. */
  readonly positions: readonly number[]
  readonly faults: readonly Fault[]
}

function readClient(definition: Definition, schema: Schema): ClientReading {
  const value = withoutIgnored(camelCased(definition.value))
  const first = schema.safeParse(value, { reportInput: true })
  if (first.success) return { client: first.data, positions: [], faults: [] }

  const issues = issuesOf(first.error)
  const bad = new Set(issues.map(secretIndex))
  const rest = bad.has(undefined) ? undefined : withoutSecrets(value, bad)
  const second = rest && schema.safeParse(rest.value)
  const severity = second?.success ? 'disabled' : 'error'
  const faults = issues.map((issue): Fault => {
    const place = [clientName(value), issue.path.map(String).join('.')].filter(Boolean).join(': ')
    return { at: definition.locate(issue.path), message: `${place}: ${issue.message}`, severity }
  })
  if (!second?.success) return { positions: [], faults }
  return { client: second.data, positions: rest?.positions ?? [], faults }
}

function secretIndex(issue: Issue): number | undefined {
  const [field, index] = issue.path
  return field === 'clientSecrets' && typeof index === 'number' ? index : undefined
}

function withoutSecrets(value: unknown, bad: ReadonlySet<number | undefined>) {
  const { clientSecrets } = value as { clientSecrets: readonly unknown[] }
  const positions = [...clientSecrets.keys()].filter((index) => !bad.has(index))
  const left = positions.map((index) => clientSecrets[index])
  return { value: { ...(value as object), clientSecrets: left }, positions }
}

interface Finding {
  readonly path: readonly string[]
  readonly severity: Fault['severity']
  readonly message: string
}

function inspect(secret: Secret, loading: ClientLoading): readonly Finding[] {
  const validators = loading.validatorsOf(secret.type)
  if (validators.length === 0) {
    const known = loading.secretTypes.join(', ')
    const message = `no validator checks ${secret.type}; there is ${known}`
    return [{ path: ['type'], severity: 'disabled', message }]
  }
  const unknown = Object.keys(secret.properties).find(
    (property) => !validators.some((one) => one.secretProperties?.includes(property)),
  )
  if (unknown !== undefined) {
    const message = `${unknown} is not a property of a ${secret.type} secret`
    return [{ path: [unknown], severity: 'disabled', message }]
  }
  const findings: Finding[] = []
  for (const { fault, warning } of validators.map((one) => one.inspect?.(secret) ?? {})) {
    if (fault !== undefined)
      findings.push({ path: ['value'], severity: 'disabled', message: fault })
    if (warning !== undefined)
      findings.push({ path: ['value'], severity: 'note', message: warning })
  }
  if (secret.expiration && secret.expiration <= loading.now) {
    const message = `expired on ${secret.expiration.toISOString()}`
    findings.push({ path: ['expiration'], severity: 'note', message })
  }
  return findings
}

function withoutIgnored(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([key]) => !isIgnored(key)))
}

function clientName(value: unknown): string {
  const id = (value as { clientId?: unknown } | null)?.clientId
  return typeof id === 'string' ? `client "${id}"` : 'client'
}
