import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pathToFileURL } from 'node:url'

import test from 'ava'
import { load, loadAll } from 'js-yaml'

import type { Parser, Plugin, Validator } from '#contract'

import { withReference } from '../docs/generate-configuration.ts'
import { main } from '../src/main.ts'
import { parserContract } from './contract/parser.ts'
import { setUp } from './contract/set-up.ts'
import { validatorContract } from './contract/validator.ts'
import { loadExample } from './docs/load-example.ts'
import type { Example } from './docs/load-example.ts'
import { anchorsOf, exampleOf, pages, proseOf, readPage, ROOT } from './docs/pages.ts'
import type { Block } from './docs/pages.ts'
import { startSidecar } from './support/start-sidecar.ts'

const PAGES = pages()

test('the configuration reference is what "npm run docs" makes of the schema', (t) => {
  const { text } = readPage('docs/configuration.md')
  t.true(text === withReference(text), 'run "npm run docs"')
})

/** What a block stands for → how it is loaded. */
const LOADED: Readonly<Record<string, (text: string) => Example>> = {
  'vouchgate.yaml': (settings) => ({ settings }),
  settings: (settings) => ({ settings }),
  'clients.yaml': (clients) => ({ clients }),
  'clients.json': (clients) => ({ clients, clientsName: 'clients.json' }),
  'resources.yaml': (resources) => ({ resources }),
}

for (const page of PAGES) {
  for (const [index, block] of page.blocks.entries()) {
    if (!['yaml', 'json'].includes(block.language)) continue
    test(`${block.at}: the example can be read`, async (t) => {
      const example = LOADED[block.file]
      if (example === undefined) {
        t.true(block.language === 'json' || block.file === 'manifest', 'say what the block is')
        t.notThrows(() => loadAll(block.text))
        return
      }
      if (block.excerpt) {
        t.notThrows(() => load(block.text))
        return
      }
      const earlier = page.blocks.slice(0, index)
      const text = block.more ? withEarlier(earlier, block) : block.text
      const settings = earlier.findLast(({ file }) => file === 'settings')?.text
      const beside = block.withSettings && settings !== undefined ? { settings } : {}
      const faults = await loadExample(t, { ...beside, ...example(text) })
      t.deepEqual(
        faults.filter(({ severity }) => severity !== 'note'),
        [],
      )
    })
  }
}

function withEarlier(earlier: readonly Block[], block: Block): string {
  const same = earlier.filter(({ file }) => file === block.file)
  const from = same.findLastIndex(({ more }) => !more)
  return [...same.slice(from), block].map(({ text }) => text).join('')
}

for (const page of PAGES) {
  test(`${page.name}: every link inside the project leads somewhere`, (t) => {
    for (const [, target = ''] of proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^https?:/.test(target)) continue
      const [file = '', anchor] = target.split('#')
      const name = file === '' ? page.name : path.join(path.dirname(page.name), file)
      t.true(existsSync(path.join(ROOT, name)), `${target} is not there`)
      if (anchor !== undefined)
        t.true(anchorsOf(readPage(name)).has(anchor), `${target}: no such heading`)
    }
    t.pass()
  })

  test(`${page.name}: every file of the source that it names is there`, (t) => {
    const names = page.text.matchAll(/`((?:src|plugins|test|bin|config|docs)\/[\w./-]+)`/g)
    const made = new Set(page.blocks.map(({ file }) => file))
    const missing = wordsIn(names).filter(
      (name) => !made.has(name) && !existsSync(path.join(ROOT, name)),
    )
    t.deepEqual(missing, [])
  })

  test(`${page.name}: every command that it shows exists, with these flags`, async (t) => {
    for (const { name, flags } of commandsIn(page.text)) {
      const usage = await usageOf(name)
      t.not(usage, undefined, `there is no command ${name}`)
      for (const flag of flags) t.true(usage?.includes(`${flag} `), `${name} has no ${flag}`)
    }
    const { scripts } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
      scripts: Readonly<Record<string, string>>
    }
    for (const [, script = ''] of page.text.matchAll(/\bnpm run ([a-z][a-z:]*)/g))
      t.true(script in scripts, `there is no script ${script}`)
    t.pass()
  })
}

/** `npx vouchgate token … --only-token` in a block, `vouchgate check` in the text. */
function commandsIn(text: string) {
  const lines = text.replaceAll(/\\\n\s*/g, ' ').matchAll(/(?:npx |`)vouchgate ([^\n`)]*)/g)
  return [...lines].map(([, line = '']) => {
    const [first = ''] = line.split(' ', 1)
    return {
      name: /^[a-z]/.test(first) ? first : 'serve',
      flags: (line.match(/--[a-z-]+/g) ?? []).filter(
        (flag) => !['--help', '--version'].includes(flag),
      ),
    }
  })
}

async function usageOf(command: string): Promise<string | undefined> {
  let text = ''
  const code = await main([command, '--help'], {
    stdout: { write: (chunk) => (text += chunk) },
    stderr: { write: () => undefined },
    stdin: Readable.from([]),
    env: {},
    cwd: ROOT,
    now: () => new Date(),
  })
  return code === 0 ? text : undefined
}

const SOURCES = globSync(['src/**/*.ts', 'plugins/**/*.ts'], { cwd: ROOT }).map((name) => ({
  name,
  text: readFileSync(path.join(ROOT, name), 'utf8'),
}))
const OPERATING = readPage('docs/operating.md')

/** The words in the first column of the tables below a heading. */
function tableWords(heading: string): readonly string[] {
  const section = OPERATING.text.split(`\n## ${heading}\n`)[1]?.split('\n## ')[0] ?? ''
  return [...section.matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word),
  )
}

// What only a command shows.
const NOT_IN_A_LOG = /^src\/certificates\/(certificate-warnings|describe-certificate)\.ts/

test('docs/operating.md lists every reason that stands in the code', (t) => {
  const listed = new Set(tableWords('Reasons'))
  const said = /(?:\breason: |\bmalformed: |\brefuse\(|\btooLong\(|\[50\d, )'([a-z][a-z\d.-]*)'/g
  const missing = SOURCES.filter(({ name }) => !NOT_IN_A_LOG.test(name)).flatMap(({ name, text }) =>
    wordsIn(text.matchAll(said))
      .filter((word) => !listed.has(word))
      .map((word) => `${word} of ${name}`),
  )
  t.deepEqual(missing, [])
})

test('docs/operating.md lists no reason that the code does not have', (t) => {
  const all = SOURCES.map(({ text }) => text).join('\n')
  // `post-${what}-too-long` stands for several words.
  const templates = wordsIn(all.matchAll(/`((?:[a-z-]*\$\{\w+\}[a-z-]*)+)`/g))
  const patterns = templates.map(
    (template) => new RegExp(`^${template.replaceAll(/\$\{\w+\}/g, '[a-z-]+')}$`),
  )
  const unknown = tableWords('Reasons').filter(
    (word) => !all.includes(`'${word}'`) && !patterns.some((pattern) => pattern.test(word)),
  )
  t.deepEqual(unknown, [])
})

function wordsIn(matches: Iterable<RegExpMatchArray>): readonly string[] {
  return [...new Set([...matches].map(([, word = '']) => word))].toSorted()
}

test('docs/operating.md lists the events and the metrics of the code', (t) => {
  const all = SOURCES.map(({ text }) => text).join('\n')
  const events = all.matchAll(
    /'((?:plugin|config|state|load|request|upstream|introspection|token|tunnel|revocation|issuer|signing-keys|guessing|worker|connection)\.[a-z-]+)'/g,
  )
  const listed = tableWords('Log').filter((word) => word.includes('.'))
  t.deepEqual(listed.toSorted(), wordsIn(events))
  const metrics = all.matchAll(/name: '(vouchgate_\w+)'/g)
  const named = tableWords('Metrics').filter((word) => /^vouchgate_\w+$/.test(word))
  t.deepEqual(named.toSorted(), wordsIn(metrics))
})

test('the example of the README reaches the API as it says', async (t) => {
  const page = readPage('README.md')
  const running = await startSidecar(t, {
    files: { 'clients.yaml': exampleOf(page, 'clients.yaml') },
  })
  const user = /curl -u (\S+) /.exec(page.text)?.[1] ?? ''
  const authorization = `Basic ${Buffer.from(user).toString('base64')}`
  await running.send({ path: '/reports/1', headers: { authorization, 'x-client-id': 'else' } })
  const [arrived] = running.upstream.arrived
  const shown = page.blocks.find(({ language }) => language === 'http')?.text ?? ''
  t.is(`${arrived?.method} ${arrived?.url} HTTP/1.1`, shown.split('\n')[0] ?? '')
  for (const [, name = '', value = ''] of shown.matchAll(/^([\w-]+): (.*)$/gm))
    if (name !== 'X-Request-Id') t.is(arrived?.headers[name.toLowerCase()], value)
})

test('the plugin of docs/plugins.md lets its client in, and nobody else', async (t) => {
  const page = readPage('docs/plugins.md')
  const names = ['plugins/parsers/api-key.ts', 'plugins/validators/api-key.ts', 'clients.yaml']
  const running = await startSidecar(t, {
    settings: { plugins: ['plugins'] },
    files: Object.fromEntries(names.map((name) => [name, exampleOf(page, name)])),
  })
  const call = (authorization: string) => running.send({ headers: { authorization } })
  t.is((await call('ApiKey partner.kept-only-by-the-partner')).status, 200)
  t.is(running.upstream.arrived[0]?.headers['x-client-auth-method'], 'api_key')
  t.is((await call('ApiKey partner.kept-only-by-somebody')).status, 401)
  t.is((await call('ApiKey partner')).status, 400)
  t.deepEqual(
    running.refusals().map(({ reason }) => reason),
    ['api-key-mismatch', 'api-key-malformed'],
  )
})

/** A plugin of docs/plugins.md, imported as the host does it. */
async function pluginOf<Part>(name: string): Promise<Plugin<Part, unknown>> {
  const folder = mkdtempSync(path.join(tmpdir(), 'vouchgate-docs-'))
  try {
    const file = path.join(folder, path.basename(name))
    writeFileSync(file, exampleOf(readPage('docs/plugins.md'), name))
    return ((await import(pathToFileURL(file).href)) as { default: Plugin<Part, unknown> }).default
  } finally {
    rmSync(folder, { recursive: true })
  }
}

parserContract(test, 'the parser of docs/plugins.md', async () =>
  setUp(await pluginOf<Parser>('plugins/parsers/api-key.ts')),
)
validatorContract(test, 'the validator of docs/plugins.md', async () =>
  setUp(await pluginOf<Validator>('plugins/validators/api-key.ts')),
)
