import { globSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import test from 'ava'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

interface Import {
  readonly from: string
  /** The file that is imported, or the specifier of a package or of Node. */
  readonly to: string
  readonly isType: boolean
}

interface Source {
  readonly file: string
  readonly text: string
  readonly imports: readonly Import[]
}

const STATEMENT =
  /^(?:import|export)(?<type>\s+type)?\s[^'";]*?from\s+'(?<from>[^']+)'|^import\s+'(?<bare>[^']+)'|import\('(?<dynamic>[^']+)'\)/gm

function sourcesIn(pattern: string): readonly Source[] {
  return globSync(pattern, { cwd: ROOT, exclude: ['**/node_modules'] })
    .toSorted()
    .map((file) => {
      const text = readFileSync(path.join(ROOT, file), 'utf8')
      const imports = [...text.matchAll(STATEMENT)].map(({ groups = {} }): Import => {
        const { type, from, bare, dynamic } = groups
        const written = from ?? bare ?? dynamic ?? ''
        const to = written.startsWith('.') ? path.join(path.dirname(file), written) : written
        return { from: file, to, isType: type !== undefined }
      })
      return { file, text, imports }
    })
}

const SRC = sourcesIn('src/**/*.ts')
const PLUGINS = sourcesIn('plugins/**/*.ts')
const IMPORTS = SRC.flatMap(({ imports }) => imports)

const shown = (imports: readonly Import[]) => imports.map(({ from, to }) => `${from} → ${to}`)

/** `jose/errors` → `jose`, `@koa/router/x` → `@koa/router`; nothing for our own files and Node's. */
function packageOf(specifier: string): string | undefined {
  if (/^(node:|#|src\/|plugins\/|test\/|bin\/|docs\/|bench\/|\.)/.test(specifier)) return undefined
  const [first = '', second = ''] = specifier.split('/')
  return first.startsWith('@') ? `${first}/${second}` : first
}

test('the contract imports nothing but itself, and types only', (t) => {
  const wrong = IMPORTS.filter(({ from }) => from.startsWith('src/contract/')).filter(
    ({ to, isType }) => !to.startsWith('src/contract/') || !isType,
  )
  t.deepEqual(shown(wrong), [])
})

test('a plugin imports the types of the contract, packages, Node and what is beside it', (t) => {
  const wrong = PLUGINS.flatMap(({ imports }) => imports).filter(({ to, isType }) => {
    if (to === '#contract') return !isType
    return !to.startsWith('node:') && !to.startsWith('plugins/') && packageOf(to) === undefined
  })
  t.deepEqual(shown(wrong), [])
})

test('nothing of ours imports a plugin: they could be deleted', (t) => {
  t.deepEqual(shown(IMPORTS.filter(({ to }) => to.startsWith('plugins/'))), [])
})

for (const [packages, home, allowed] of [
  ['koa, @koa/router', 'the application', /^src\/(app\.ts|http\/.*|.*\.route\.ts)$/],
  ['pkijs, asn1js', 'certificates', /^src\/certificates\//],
  [
    'undici',
    'the gateway and the introspection of other issuers',
    /^src\/(gateway|introspection)\//,
  ],
  ['http-proxy', 'the gateway', /^src\/gateway\//],
  ['pino, prom-client', 'operations', /^src\/operations\//],
  ['js-yaml, jsonc-parser', 'the configuration', /^src\/(config|introspection\/issuers)\//],
] as const) {
  test(`${packages}: only in ${home}`, (t) => {
    const names = packages.split(', ')
    const wrong = IMPORTS.filter(({ to }) => names.includes(packageOf(to) ?? ''))
    t.deepEqual(shown(wrong.filter(({ from }) => !allowed.test(from))), [])
  })
}

for (const [who, allowed] of [
  ['src/errors.ts', /^(#contract|src\/errors\.ts)$/],
  ['src/plugin-host/', /^(#contract|node:.*|src\/(errors\.ts|plugin-host\/.*))$/],
  ['src/certificates/', /^(#contract|node:.*|[a-z\d-]+|src\/(errors\.ts|certificates\/.*))$/],
] as const) {
  test(`${who} stands on its own`, (t) => {
    const wrong = IMPORTS.filter(({ from, isType }) => from.startsWith(who) && !isType)
    t.deepEqual(shown(wrong.filter(({ to }) => !allowed.test(to))), [])
  })
}

/** For one process, and for several. */
const BOOT = new Set(['src/boot.ts', 'src/workers/boot-workers.ts'])

test('only commands boot, and only the data plane puts a snapshot together', (t) => {
  const wrong = IMPORTS.filter(({ from, to, isType }) => {
    if (isType) return false
    if (BOOT.has(to)) return !from.startsWith('src/commands/')
    return to === 'src/snapshot.ts' && from !== 'src/data-plane.ts'
  })
  t.deepEqual(shown(wrong), [])
})

test('no file needs itself by way of others', (t) => {
  const needs = Map.groupBy(
    [...SRC, ...PLUGINS].flatMap(({ imports }) => imports).filter(({ isType }) => !isType),
    ({ from }) => from,
  )
  const done = new Set<string>()
  const cycles: string[] = []
  const walk = (file: string, way: readonly string[]) => {
    if (way.includes(file)) cycles.push([...way.slice(way.indexOf(file)), file].join(' → '))
    if (done.has(file) || way.includes(file)) return
    for (const { to } of needs.get(file) ?? []) walk(to, [...way, file])
    done.add(file)
  }
  for (const file of needs.keys()) walk(file, [])
  t.deepEqual(cycles, [])
})

/** Longer than 250 lines, and why that reads better than two files. */
const LONG: Readonly<Record<string, string>> = {}

test('no file is longer than 250 lines without a reason', (t) => {
  const long = [...SRC, ...PLUGINS].filter(({ text }) => text.split('\n').length - 1 > 250)
  t.deepEqual(
    long.map(({ file }) => file),
    Object.keys(LONG),
  )
})

/** Named after the topic of several exports, none of which is the main one. */
const TOPICS = new Set([
  'src/certificates/path/der-values.ts',
  'src/certificates/path/path-worker.ts',
  'src/commands/token-request.ts',
  'src/config/fields.ts',
  'src/contract/index.ts',
  'src/registry/identityserver-names.ts',
])

const EXPORT = /^export (?:async )?(?:function\*?|const|class|interface|type) (?<name>\w+)/gm

function stems(name: string): readonly string[] {
  const words = name.replaceAll(/([a-z\d])([A-Z])/g, '$1 $2').split(/[\s_-]+/)
  return words.map((word) => word.toLowerCase().slice(0, 5))
}

test('a file is named after what it exports', (t) => {
  const wrong = [...SRC, ...PLUGINS].filter(({ file, text }) => {
    if (TOPICS.has(file) || /^export default/m.test(text)) return false
    const exported = new Set(
      [...text.matchAll(EXPORT)].flatMap(({ groups }) => stems(groups?.['name'] ?? '')),
    )
    const own = stems(path.basename(file).replace(/(\.route)?\.ts$/, ''))
    return !own.some((stem) => exported.has(stem))
  })
  t.deepEqual(
    wrong.map(({ file }) => file),
    [],
  )
  const names = new Set([...SRC, ...PLUGINS].map(({ file }) => file))
  t.deepEqual(
    [...TOPICS].filter((file) => !names.has(file)),
    [],
    'no exception without its file',
  )
})

test('a file name is words in lower case with dashes between', (t) => {
  const wrong = [...SRC, ...PLUGINS].filter(
    ({ file }) => !/^([a-z\d]+(-[a-z\d]+)*\/)+[a-z\d]+(-[a-z\d]+)*(\.route)?\.ts$/.test(file),
  )
  t.deepEqual(
    wrong.map(({ file }) => file),
    [],
  )
})

interface Package {
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
}

const PACKAGE = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as Package

function packagesOf(sources: readonly Source[]): ReadonlySet<string> {
  return new Set(
    sources.flatMap(({ imports }) => imports.map(({ to }) => packageOf(to) ?? [])).flat(),
  )
}

test('what runs needs exactly the dependencies that package.json names', (t) => {
  const needed = packagesOf([...SRC, ...PLUGINS, ...sourcesIn('bin/*.mjs')])
  t.deepEqual([...needed].toSorted(), Object.keys(PACKAGE.dependencies).toSorted())
})

/** Development dependencies that nobody imports or calls by name, and what for they are there. */
const CALLED_BY_OTHERS: Readonly<Record<string, string>> = {
  'oidc-provider': 'imported by a name that TypeScript does not follow, for it has no types',
  'oxlint-tsgolint': 'oxlint --type-aware',
  typescript: 'its program is called tsc',
}

test('what tests and scripts need is among the development dependencies, and no more', (t) => {
  const imported = packagesOf(sourcesIn('{test,docs,bench}/**/*.ts'))
  const known = { ...PACKAGE.dependencies, ...PACKAGE.devDependencies }
  t.deepEqual(
    [...imported].filter((name) => !(name in known)),
    [],
  )
  const scripts = Object.values(PACKAGE.scripts).join(' ').split(/\s+/)
  const idle = Object.keys(PACKAGE.devDependencies).filter(
    (name) =>
      !imported.has(name) &&
      !scripts.includes(name) &&
      !name.startsWith('@types/') &&
      !(name in CALLED_BY_OTHERS),
  )
  t.deepEqual(idle, [])
})

test('every version is exact: what was tested is what is installed', (t) => {
  const ranges = Object.entries({ ...PACKAGE.dependencies, ...PACKAGE.devDependencies }).filter(
    ([, version]) => !/^(npm:[^@]+@)?\d+\.\d+\.\d+$/.test(version),
  )
  t.deepEqual(ranges, [])
})
