import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'

import type { BasicDecoding, Secret } from '#contract'

import type { References } from '../config/fields.ts'
import { readYaml } from '../config/yaml-source.ts'
import type { Fault } from '../errors.ts'
import { camelCased, withoutForeign } from './identityserver-names.ts'
import type { SecretLoading } from './inspect-secret.ts'
import { readWithSecrets } from './read-with-secrets.ts'
import { resourceSchema } from './resource-schema.ts'

/** An API whose scopes clients may ask for; its name goes into `aud`. */
export interface ApiResource {
  readonly name: string
  /** What a client may call it by in `resource`, beside its name (RFC 8707). */
  readonly uri?: string
  readonly enabled: boolean
  readonly scopes: readonly string[]
  /** What it proves itself with at the introspection endpoint. */
  readonly apiSecrets: readonly Secret[]
  /** How its Basic header is read. */
  readonly basicDecoding: BasicDecoding
}

export interface ResourceLoading extends SecretLoading, Omit<References, 'folder'> {}

/** Reads API resources from a file, or the YAML and JSON files of a folder. */
export function loadResources(
  source: string | undefined,
  shown: (file: string) => string,
  loading: ResourceLoading,
): { readonly resources: readonly ApiResource[]; readonly faults: readonly Fault[] } {
  if (source === undefined) return { resources: [], faults: [] }
  const resources: ApiResource[] = []
  const taken = new Set<string>()
  const faults: Fault[] = []
  for (const file of filesOf(source)) {
    const read = readYaml(file, shown(file))
    if ('message' in read) {
      faults.push(read)
      continue
    }
    const { list, at } = findList(camelCased(read.value))
    if (!list) {
      const message = 'holds no list of resources; write `resources:` and a list under it'
      faults.push({ at: read.locate([]), message, severity: 'error' })
    }
    const schema = resourceSchema({ folder: read.folder, ...loading })
    for (const [index, definition] of (list ?? []).entries()) {
      const locate = (inner: readonly PropertyKey[]) => read.locate([...at, index, ...inner])
      const name = nameOf(definition, index)
      const kind = { schema, secretsIn: 'apiSecrets', name: () => name } as const
      const { value: resource, faults: found } = readWithSecrets(
        withoutForeign('resource', definition),
        locate,
        kind,
        loading,
      )
      faults.push(...found)
      if (!resource) continue
      // Each may be named in `resource`: which one is meant must not be a guess.
      const twin = (['name', 'uri'] as const).find((key) => taken.has(resource[key] ?? ''))
      if (twin !== undefined) {
        const message = `${name}: ${twin}: "${resource[twin]}" names another resource already`
        faults.push({ at: locate([twin]), message, severity: 'error' })
        continue
      }
      taken.add(resource.name).add(resource.uri ?? resource.name)
      resources.push(resource)
    }
  }
  return { resources, faults }
}

function nameOf(definition: unknown, index: number): string {
  const name = (definition as { name?: unknown } | null)?.name
  return typeof name === 'string' ? `resource "${name}"` : `resource ${index + 1}`
}

function filesOf(source: string): readonly string[] {
  if (!statSync(source, { throwIfNoEntry: false })?.isDirectory()) return [source]
  return readdirSync(source)
    .filter((name) => /^[^.].*\.(ya?ml|json)$/.test(name))
    .toSorted()
    .map((name) => path.join(source, name))
}

function findList(value: unknown): { list?: readonly unknown[]; at: readonly string[] } {
  if (Array.isArray(value)) return { list: value, at: [] }
  if (typeof value !== 'object' || value === null) return { at: [] }
  const record = value as Record<string, unknown>
  for (const key of ['resources', 'apiResources']) {
    if (Array.isArray(record[key])) return { list: record[key], at: [key] }
  }
  const inner = findList(record['identityServer'])
  return { ...inner, at: ['identityServer', ...inner.at] }
}
