import { readdirSync, statSync } from 'node:fs'
import path from 'node:path'

import { z } from 'zod'

import { issuesOf } from '../config/issues.ts'
import { readYaml } from '../config/yaml-source.ts'
import type { Fault } from '../errors.ts'
import { camelCased } from './identityserver-names.ts'

/** An API whose scopes clients may ask for; its name goes into `aud`. */
export interface ApiResource {
  readonly name: string
  readonly enabled: boolean
  readonly scopes: readonly string[]
}

// The properties of IdentityServer's resources that say nothing to machine callers are accepted and left aside.
const resource = z.strictObject({
  name: z.string().min(1).max(200),
  enabled: z.boolean().default(true),
  displayName: z.unknown().optional(),
  description: z.unknown().optional(),
  userClaims: z.unknown().optional(),
  apiSecrets: z.unknown().optional(),
  scopes: z
    .array(z.union([z.string(), z.object({ name: z.string() }).transform((scope) => scope.name)]))
    .default([]),
})

/** Reads API resources from a file, or the YAML and JSON files of a folder. */
export function loadResources(
  source: string | undefined,
  shown: (file: string) => string,
): { readonly resources: readonly ApiResource[]; readonly faults: readonly Fault[] } {
  if (source === undefined) return { resources: [], faults: [] }
  const resources = new Map<string, ApiResource>()
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
    for (const [index, value] of (list ?? []).entries()) {
      const parsed = resource.safeParse(value, { reportInput: true })
      const twice = { path: ['name'], message: `"${parsed.data?.name}" is defined twice` }
      const issues = parsed.error
        ? issuesOf(parsed.error)
        : resources.has(parsed.data.name)
          ? [twice]
          : []
      for (const issue of issues) {
        const message = `resource ${index + 1}: ${issue.path.map(String).join('.')}: ${issue.message}`
        faults.push({ at: read.locate([...at, index, ...issue.path]), message, severity: 'error' })
      }
      if (parsed.data) resources.set(parsed.data.name, parsed.data)
    }
  }
  return { resources: [...resources.values()], faults }
}

function filesOf(source: string): readonly string[] {
  if (!statSync(source, { throwIfNoEntry: false })?.isDirectory()) return [source]
  return readdirSync(source)
    .filter((name) => /\.(ya?ml|json)$/.test(name))
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
