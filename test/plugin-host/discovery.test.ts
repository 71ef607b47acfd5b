import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import test from 'ava'

import { temporaryFolder } from '../support/temporary-folder.ts'
import { load, loadFrom, PARSER } from './support/load.ts'

test('a plugin is a file of TypeScript or JavaScript, or a folder with an index, called by its path', async (t) => {
  const { ids, lines, plugins, folder } = await load(t, {
    'parsers/typed.ts': `import type { ParserPlugin } from '#contract'\n${PARSER} satisfies ParserPlugin`,
    'parsers/plain.js': PARSER,
    'parsers/module.mjs': PARSER,
    'parsers/with.dots.js': PARSER,
    'parsers/folder/index.ts': `import { method } from './method.ts'
      export default {
        contract: 1,
        setup: () => ({ method, produces: 'shared_secret', parse: () => undefined }),
      }`,
    'parsers/folder/method.ts': `export const method: string = 'from_a_helper'`,
    'state-stores/own.js': 'export default { contract: 1, setup: () => ({}) }',
  })
  t.deepEqual(lines, [])
  t.deepEqual(ids.toSorted(), [
    'parsers/folder',
    'parsers/module',
    'parsers/plain',
    'parsers/typed',
    'parsers/with.dots',
    'state-stores/own',
  ])
  const helper = plugins.of('parsers').find(({ name }) => name === 'folder')
  t.is(helper?.part.method, 'from_a_helper')
  t.is(helper?.file, path.join(folder, 'parsers/folder/index.ts'))
  t.regex(helper?.sha256 ?? '', /^[0-9a-f]{64}$/)
})

test('what is no plugin is passed by: declarations, hidden files, texts, packages', async (t) => {
  const { ids, lines } = await load(t, {
    'README.md': '#',
    'package.json': '{}',
    '.git/config': '',
    'node_modules/x/index.js': 'throw 1',
    'parsers/types.d.ts': 'export {}',
    'parsers/.hidden.js': 'throw 1',
    'parsers/.cache/index.js': 'throw 1',
    'parsers/notes.md': '#',
    'parsers/data.json': '{}',
    'parsers/old.js.bak': 'throw 1',
    'parsers/node_modules/y/index.js': 'throw 1',
    'validators/.gitkeep': '',
  })
  t.deepEqual(ids, [])
  t.deepEqual(lines, [])
})

for (const [title, files, fault] of [
  [
    'an unknown slot',
    { 'parser/a.js': PARSER },
    'parser: is no slot; there is parsers, validators, client-stores, state-stores, identity-headers',
  ],
  [
    'a folder without an index',
    { 'parsers/a/main.js': PARSER },
    'parsers/a: holds no index.ts, index.js or index.mjs',
  ],
  [
    'two files of one name',
    { 'parsers/a.js': PARSER, 'parsers/a.mjs': PARSER },
    'parsers/a.mjs: plugin parsers/a stands in parsers/a.js too; rename one',
  ],
  [
    'a file beside a folder of its name',
    { 'parsers/a.ts': PARSER, 'parsers/a/index.ts': PARSER },
    'parsers/a.ts: plugin parsers/a stands in parsers/a/index.ts too; rename one',
  ],
] as const) {
  test(`${title} is refused`, async (t) => {
    t.deepEqual((await load(t, files)).lines, [fault])
  })
}

test('a plugin of one folder does not take the place of one in another', async (t) => {
  const first = temporaryFolder(t, { 'parsers/a.js': PARSER })
  const second = temporaryFolder(t, { 'parsers/a.js': PARSER })
  const { lines } = await loadFrom(second, { folders: [first, second] })
  t.deepEqual(lines, [
    `parsers/a.js: plugin parsers/a stands in ${first}/parsers/a.js too; rename one`,
  ])
})

test('a folder that cannot be read is a fault, and the others are read nonetheless', async (t) => {
  const folder = temporaryFolder(t, { 'parsers/good.js': PARSER, file: '' })
  symlinkSync('nowhere.js', path.join(folder, 'parsers/dangling.js'))
  symlinkSync('loop.js', path.join(folder, 'parsers/loop.js'))
  mkdirSync(path.join(folder, 'parsers/deep'))
  writeFileSync(path.join(folder, 'parsers/deep/index.js'), PARSER)
  symlinkSync('.', path.join(folder, 'parsers/deep/again'))
  const folders = [path.join(folder, 'none'), path.join(folder, 'file'), folder]
  const { ids, lines } = await loadFrom(folder, { folders })
  t.deepEqual(ids, ['parsers/good'])
  t.deepEqual(lines, [
    'none: does not exist',
    'file: is not a folder',
    'parsers/dangling.js: does not exist',
    'parsers/loop.js: is or holds a link that leads back to itself',
    'parsers/deep: is or holds a link that leads back to itself',
  ])
})

/** Fills a folder as kubelet fills a mounted ConfigMap: real files in a dated folder, reached through `..data`. */
function mount(folder: string, date: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(path.join(folder, `..${date}`), { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(path.join(folder, `..${date}`, name), text)
  }
  symlinkSync(`..${date}`, path.join(folder, '..data_tmp'))
  renameSync(path.join(folder, '..data_tmp'), path.join(folder, '..data'))
}

test('plugins of a mounted ConfigMap are found, and their hash is that of their contents', async (t) => {
  const files = { 'a.js': PARSER, 'index.js': `import './b.js'\n${PARSER}`, 'b.js': '' }
  const root = temporaryFolder(t)
  const asSlot = path.join(root, 'parsers')
  const asPlugin = path.join(root, 'more/parsers/folder')
  for (const place of [asSlot, asPlugin]) {
    mount(place, '2026_01', files)
    for (const name of Object.keys(files)) {
      symlinkSync(`..data/${name}`, path.join(place, name))
    }
  }
  const settings = { folders: [root, path.join(root, 'more')], disabled: [] }
  const look = async () => {
    const { plugins, lines } = await loadFrom(root, settings)
    return { lines, hashes: plugins.all.map(({ id, sha256 }) => `${id} ${sha256}`).toSorted() }
  }
  const first = await look()
  t.is(first.lines.length, 2)
  t.true(first.lines[0]?.startsWith('more: is no slot'))
  t.true(first.lines[1]?.startsWith('parsers/b.js: plugin parsers/b does not say its contract'))
  t.deepEqual(
    first.hashes.map((one) => one.split(' ')[0]),
    ['parsers/a', 'parsers/folder', 'parsers/index'],
  )
  for (const place of [asSlot, asPlugin]) mount(place, '2026_02', files)
  t.deepEqual((await look()).hashes, first.hashes)
  for (const place of [asSlot, asPlugin]) mount(place, '2026_03', { ...files, 'b.js': '// new' })
  const changed = (await look()).hashes.filter((one) => !first.hashes.includes(one))
  t.deepEqual(
    changed.map((one) => one.split(' ')[0]),
    ['parsers/folder', 'parsers/index'],
  )
})

test('a plugin that changes is loaded anew, with the helpers beside it', async (t) => {
  const folder = temporaryFolder(t, {
    'parsers/a/index.js': `import { method } from './lib/method.js'
      export default {
        contract: 1,
        setup: () => ({ method, produces: 'shared_secret', parse: () => undefined }),
      }`,
    'parsers/a/lib/method.js': `export { method } from './name.js'`,
    'parsers/a/lib/name.js': `export const method = 'first'`,
  })
  const methodOf = async () => (await loadFrom(folder)).plugins.of('parsers')[0]?.part.method
  t.is(await methodOf(), 'first')
  writeFileSync(path.join(folder, 'parsers/a/lib/name.js'), `export const method = 'second'`)
  t.is(await methodOf(), 'second')
})

test('a helper that plugins share is part of each: its change changes their hashes, and is loaded', async (t) => {
  const plugin = (helper: string) => `import { method } from '${helper}'
    import type { Parser } from '../../../nowhere.ts'
    export default {
      contract: 1,
      setup: () => ({ method, produces: 'shared_secret', parse: () => undefined }),
    }`
  const folder = temporaryFolder(t, {
    'mounted/parsers/a.ts': plugin('./b/lib/method.ts'),
    'mounted/parsers/b/index.ts': plugin('./lib/method.ts'),
    'mounted/parsers/b/lib/method.ts': `export { method } from '../../../../shared/method.ts'`,
    'mounted/parsers/alone.js': PARSER,
    'shared/method.ts': `export const method = 'first'`,
  })
  const look = async () => {
    const ready = (await loadFrom(path.join(folder, 'mounted'))).plugins.of('parsers')
    return new Map(ready.map(({ name, sha256, part }) => [name, [part.method, sha256]]))
  }
  const first = await look()
  t.is(first.get('a')?.[0], 'first')
  t.not(first.get('a')?.[1], first.get('b')?.[1])
  writeFileSync(path.join(folder, 'shared/method.ts'), `export const method = 'second'`)
  const second = await look()
  for (const name of ['a', 'b']) {
    t.is(second.get(name)?.[0], 'second')
    t.not(second.get(name)?.[1], first.get(name)?.[1])
  }
  t.deepEqual(second.get('alone'), first.get('alone'))
})
