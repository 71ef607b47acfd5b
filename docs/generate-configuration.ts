import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { settingsJsonSchema } from '../src/config/json-schema.ts'
import type { JsonSchema } from '../src/config/json-schema.ts'
import { assignment } from '../src/config/overrides.ts'

/** A schema node with what only the reference reads of it. */
interface Node extends Omit<JsonSchema, 'properties' | 'items' | 'anyOf'> {
  readonly properties?: Readonly<Record<string, Node>>
  readonly items?: Node
  readonly anyOf?: readonly Node[]
  readonly additionalProperties?: boolean | Node
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
}

const PAGE = fileURLToPath(new URL('configuration.md', import.meta.url))
const BEGIN = '<!-- Begin of what "npm run docs" writes. -->'
const END = '<!-- End of what "npm run docs" writes. -->'

/** Puts the reference between the markers of the page; the rest of the page stays. @throws without the markers */
export function withReference(page: string): string {
  const [before, rest] = page.split(BEGIN)
  const after = rest?.split(END)[1]
  if (before === undefined || after === undefined) throw new Error(`the page lacks its markers`)
  return `${before}${BEGIN}\n\n${reference()}\n${END}${after}`
}

/** A table for each top-level setting, in the order of the schema. */
function reference(): string {
  const schema = settingsJsonSchema() as Node
  return Object.entries(schema.properties ?? {})
    .map(([name, node]) => {
      const settings = settingsIn(name, node, schema.required?.includes(name) ?? false)
      const about = node.description === undefined ? '' : `${node.description}\n\n`
      const head = '| setting | value | default | meaning |\n|---|---|---|---|\n'
      const fileOnly = settings
        .filter((one) => isFileOnly(one, schema))
        .map(({ path }) => code(path))
      const note = fileOnly.length > 0 ? `\n${fileOnly.join(', ')}: only in the file.\n` : ''
      return `### ${name}\n\n${about}${head}${settings.map(row).join('\n')}\n${note}`
    })
    .join('\n')
}

/** Whether neither the environment nor `--set` can give the setting as a whole. */
function isFileOnly({ path, node }: Setting, schema: JsonSchema): boolean {
  return !path.includes('[]') && !isReference(node) && assignment(`${path}=x`, schema) === undefined
}

interface Setting {
  readonly path: string
  readonly node: Node
  readonly required: boolean
}

function settingsIn(path: string, node: Node, required: boolean): readonly Setting[] {
  const inner = innerOf(node)
  if (inner === undefined) return [{ path, node, required }]
  const { properties = {}, required: names = [] } = inner
  // Where a short form exists, the setting itself is one more row.
  const own = inner === node ? [] : [{ path, node, required }]
  const prefix = node.type === 'array' ? `${path}[]` : path
  return [
    ...own,
    ...Object.entries(properties).flatMap(([name, child]) =>
      settingsIn(`${prefix}.${name}`, child, names.includes(name)),
    ),
  ]
}

/** The object that a node is, holds as elements, or may be. References to secrets are values, not settings. */
function innerOf(node: Node): Node | undefined {
  if (isReference(node)) return undefined
  return [node, node.items, ...(node.anyOf ?? [])].find((one) => one?.properties !== undefined)
}

function isReference({ anyOf = [] }: Node): boolean {
  return (
    anyOf.length > 0 && anyOf.every((one) => one.properties?.['env'] ?? one.properties?.['file'])
  )
}

function row({ path, node, required }: Setting): string {
  const { default: value, description = '' } = node
  const shown = required ? '(required)' : isEmpty(value) ? '' : code(JSON.stringify(value))
  const meaning = path.includes('.') ? description : ''
  return `| ${code(path)} | ${kindOf(node)} | ${shown} | ${meaning} |`
}

function isEmpty(value: unknown): boolean {
  return value === undefined || ['{}', '""'].includes(JSON.stringify(value))
}

function kindOf(node: Node): string {
  const { type, anyOf, enum: words, pattern = '', items, minimum, maximum, properties } = node
  if (isReference(node)) return '`{ env: NAME }` or `{ file: path }`'
  if (words) return words.map((word) => code(String(word))).join(', ')
  if (pattern.includes('ms|s|m|h|d')) return 'duration'
  if (anyOf?.some((one) => one.pattern?.includes('KiB'))) return 'size'
  if (anyOf) return [...new Set(anyOf.map(kindOf))].join(' or ')
  if (type === 'array') return `list of ${items ? kindOf(items) : 'values'}`
  if (type === 'object') return properties ? 'settings' : 'map'
  if (type !== 'integer') return type === 'boolean' ? '`true`, `false`' : 'text'
  return maximum === Number.MAX_SAFE_INTEGER ? `number from ${minimum}` : `${minimum} to ${maximum}`
}

function code(text: string): string {
  return `\`${text.replaceAll('|', String.raw`\|`)}\``
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  writeFileSync(PAGE, withReference(readFileSync(PAGE, 'utf8')))
}
