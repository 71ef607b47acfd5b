import path from 'node:path'

import { CORE_SCHEMA, loadAll, YAMLException } from 'js-yaml'
import { stripComments } from 'jsonc-parser'

import type { Fault } from '../errors.ts'
import { expansionFault } from './expansion-fault.ts'
import { jsonOutline } from './json-outline.ts'
import { plainJson } from './plain-json.ts'
import { positionsIn } from './positions.ts'
import { readTextFile } from './read-text-file.ts'
import { yamlOutline } from './yaml-outline.ts'

/** A parsed file that can still say where each value stands. */
export interface YamlSource {
  readonly file: string
  readonly folder: string
  /** Undefined when the file holds nothing but comments. */
  readonly value: unknown
  /** `file:line:column` of the value at a path, or of the nearest part of the path that exists. */
  locate(at: readonly PropertyKey[]): string
}

const MAX_BYTES = 256 * 1024 * 1024

/**
 * Reads a YAML or JSON file (comments allowed in both).
 * @param shown how the file is named in locations
 * @returns the source, or the one fault that keeps it from being read
 */
export function readYaml(file: string, shown = file): YamlSource | Fault {
  const read = readTextFile(file, MAX_BYTES)
  return read.ok ? parseYaml(read.text, file, shown) : fault(shown, read.fault)
}

/** Parses YAML or, by the file's ending, JSON. A duplicate key is a fault. */
export function parseYaml(text: string, file: string, shown = file): YamlSource | Fault {
  const isJson = file.endsWith('.json')
  const plain = isJson ? plainJson(text) : undefined
  const parsed = plain ?? parse(isJson ? stripComments(text, ' ') : text)
  if ('message' in parsed) {
    return fault(parsed.at === undefined ? shown : `${shown}:${parsed.at}`, parsed.message)
  }
  const positionOf = positionsIn(text, () => (isJson ? jsonOutline(text) : yamlOutline(text)))
  return {
    file,
    folder: path.dirname(path.resolve(file)),
    value: parsed.value,
    locate: (at) => `${shown}:${positionOf(at)}`,
  }
}

/** Parses a value of the environment or the command line. @returns undefined when it is no YAML */
export function parseYamlValue(text: string): { readonly value: unknown } | undefined {
  const parsed = parse(text)
  return 'message' in parsed ? undefined : parsed
}

type Parsed = { readonly value: unknown } | { readonly at?: string; readonly message: string }

function parse(text: string): Parsed {
  try {
    const [value, ...others] = loadAll(text, { schema: CORE_SCHEMA })
    if (others.length > 0) return { message: 'holds several YAML documents; one is expected' }
    const message = text.includes('*') ? expansionFault(value, text.length) : undefined
    return message === undefined ? { value } : { message }
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error
    const { mark, reason } = error
    return { message: reason, ...(mark && { at: `${mark.line + 1}:${mark.column + 1}` }) }
  }
}

function fault(at: string, message: string): Fault {
  return { at, message, severity: 'error' }
}
