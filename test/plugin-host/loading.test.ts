import test from 'ava'

import type { Secret } from '#contract'

import { aRequest } from '../contract/build.ts'
import { load, PARSER } from './support/load.ts'

const part = (body: string) => `export default { contract: 1, setup: () => (${body}) }`

for (const [title, file, text, fault] of [
  [
    'no default export',
    'parsers/a.js',
    'export const x = 1',
    'has no default export; write export default { contract: 1, setup() {…} }',
  ],
  [
    'a function for a default export',
    'parsers/a.js',
    'export default () => 1',
    /^has no default export/,
  ],
  ['nothing for a default export', 'parsers/a.js', 'export default null', /^has no default export/],
  [
    'no contract version',
    'parsers/a.js',
    'export default { setup: () => ({}) }',
    'does not say its contract; write contract: 1',
  ],
  [
    'a contract to come',
    'parsers/a.js',
    'export default { contract: 2, setup: () => ({}) }',
    'is written for contract 2; this is contract 1',
  ],
  [
    'a contract version as text',
    'parsers/a.js',
    `export default { contract: '1', setup: () => ({}) }`,
    'is written for contract "1"; this is contract 1',
  ],
  ['no setup', 'parsers/a.js', 'export default { contract: 1 }', 'has no setup function'],
  [
    'options that are no schema',
    'parsers/a.js',
    `export default { contract: 1, options: {}, setup: () => ({}) }`,
    'has options that are no Standard Schema',
  ],
  [
    'a mistake in its syntax',
    'parsers/a.js',
    'export default {',
    /^cannot be loaded: Unexpected end of input/,
  ],
  [
    'TypeScript that Node cannot strip',
    'parsers/a.ts',
    'enum A { B }\nexport default A',
    /^cannot be loaded: .*enum/s,
  ],
  [
    'an import of what is not there',
    'parsers/a.js',
    `import 'not-there'\n${PARSER}`,
    /^cannot be loaded: Cannot find package 'not-there'/,
  ],
  [
    'an import of our sources by name',
    'parsers/a.js',
    `import '#contract'\n${PARSER}`,
    /^cannot be loaded: /,
  ],
  [
    'an exception while it is loaded',
    'parsers/a.js',
    `throw new Error('no luck')`,
    'cannot be loaded: no luck',
  ],
  ['something thrown that is no error', 'parsers/a.js', `throw 'x'`, 'cannot be loaded: it threw'],
  [
    'an exception in setup',
    'parsers/a.js',
    `export default { contract: 1, setup() { throw new Error('no luck') } }`,
    'could not be set up: no luck',
  ],
  [
    'a setup that rejects',
    'parsers/a.js',
    `export default { contract: 1, async setup() { throw 1 } }`,
    'could not be set up: it threw',
  ],
  [
    'a setup that returns nothing',
    'parsers/a.js',
    'export default { contract: 1, setup() {} }',
    'returned no part from setup, not an object',
  ],
  [
    'a parser without a method',
    'parsers/a.js',
    part(`{ produces: 'x', parse() {} }`),
    'returned a part whose "method" is not a text',
  ],
  [
    'a parser without a name for its method',
    'parsers/a.js',
    part(`{ method: '', produces: 'x', parse() {} }`),
    'returned a part whose "method" is not a text',
  ],
  [
    'a parser that cannot parse',
    'parsers/a.js',
    part(`{ method: 'x', produces: 'x' }`),
    'returned a part whose "parse" is not a function',
  ],
  [
    'a parser that is ambient by text',
    'parsers/a.js',
    part(`{ method: 'x', produces: 'x', parse() {}, ambient: 'false' }`),
    'returned a part whose "ambient" is not true or false',
  ],
  [
    'a validator without secret types',
    'validators/a.js',
    part(`{ accepts: 'x', validate() {} }`),
    'returned a part whose "secretTypes" is not a list of texts',
  ],
  [
    'a validator of one secret type',
    'validators/a.js',
    part(`{ accepts: 'x', secretTypes: 'X', validate() {} }`),
    'returned a part whose "secretTypes" is not a list of texts',
  ],
  [
    'a validator of types that are no texts',
    'validators/a.js',
    part(`{ accepts: 'x', secretTypes: [1], validate() {} }`),
    'returned a part whose "secretTypes" is not a list of texts',
  ],
  [
    'a validator whose inspect is no function',
    'validators/a.js',
    part(`{ accepts: 'x', secretTypes: [], validate() {}, inspect: true }`),
    'returned a part whose "inspect" is not a function',
  ],
  [
    'identity headers without names',
    'identity-headers/a.js',
    part(`{ headers() {} }`),
    'returned a part whose "names" is not a list of texts',
  ],
] as const) {
  test(`a plugin with ${title} is refused, by its file and its fault`, async (t) => {
    const { plugins, lines } = await load(t, { [file]: text, 'parsers/good.js': PARSER })
    const id = file.replace(/\.\w+$/, '')
    t.is(lines.length, 1)
    const prefix = `${file}: plugin ${id} `
    t.true(lines[0]?.startsWith(prefix), lines[0])
    const message = lines[0]?.slice(prefix.length) ?? ''
    if (typeof fault === 'string') t.is(message, fault)
    else t.regex(message, fault)
    t.deepEqual(
      plugins.of('parsers').map(({ name }) => name),
      ['good'],
    )
  })
}

const ZOD = `import { z } from '${import.meta.resolve('zod')}'
export default {
  contract: 1,
  options: z.strictObject({ header: z.string().default('x-api-key'), deep: z.object({ n: z.int() }).optional() }),
  setup: ({ header }) => ({ method: header, produces: 'shared_secret', parse: () => undefined }),
}`

const BY_HAND = `export default {
  contract: 1,
  options: {
    '~standard': {
      version: 1,
      vendor: 'somebody',
      async validate(value) {
        if (typeof value.header === 'string') return { value: { header: value.header } }
        return { issues: [{ message: 'wants a header', path: [{ key: 'header' }] }, { message: 'and more' }] }
      },
    },
  },
  setup: ({ header }) => ({ method: header, produces: 'shared_secret', parse: () => undefined }),
}`

test('options are checked and completed by zod, or by any Standard Schema', async (t) => {
  const files = { 'parsers/zod.mjs': ZOD, 'parsers/hand.js': BY_HAND }
  const options = { 'parsers/hand': { header: 'x-own' } }
  const { plugins, lines } = await load(t, files, { options })
  t.deepEqual(lines, [])
  t.deepEqual(
    plugins.of('parsers').map(({ part: { method } }) => method),
    ['x-own', 'x-api-key'],
  )
})

test('options that are wrong, or not taken, are located where they stand', async (t) => {
  const options = {
    'parsers/zod': { heder: 1, deep: { n: 'x' } },
    'parsers/none': { x: 1 },
    'parsers/gone': {},
    'state-stores/own': {},
  }
  const files = {
    'parsers/zod.mjs': ZOD,
    'parsers/hand.js': BY_HAND,
    'parsers/none.js': PARSER,
    'parsers/throws.js': BY_HAND.replace(
      'async validate(value) {',
      'validate() { throw new Error("own fault")',
    ),
    'state-stores/own.js': PARSER,
  }
  const { lines } = await load(t, files, { options })
  t.deepEqual(lines, [
    'at plugins.options.parsers/gone: plugins.options: there is no plugin parsers/gone',
    'at plugins.options.state-stores/own: plugins.options: the options of state-stores/own stand in `state`, beside `use`',
    'at plugins.options.parsers/hand.header: plugin parsers/hand has bad options: header: wants a header; and more',
    'at plugins.options.parsers/none: plugin parsers/none takes no options',
    'at plugins.options.parsers/throws: plugin parsers/throws could not check its options: own fault',
    'at plugins.options.parsers/zod.deep.n: plugin parsers/zod has bad options: ' +
      'deep.n: Invalid input: expected number, received string; Unrecognized key: "heder"',
  ])
})

test('a disabled plugin is not even loaded; one that is not there cannot be disabled', async (t) => {
  const files = { 'parsers/a.js': 'throw new Error("loaded")', 'parsers/b.js': PARSER }
  const { ids, lines } = await load(t, files, { disabled: ['parsers/a', 'parsers/c'] })
  t.deepEqual(ids, ['parsers/b'])
  t.deepEqual(lines, ['at plugins.disabled.1: plugins.disabled: there is no plugin parsers/c'])
})

test('with an allow-list only pinned plugins are loaded, and only with the pinned contents', async (t) => {
  const files = {
    'parsers/pinned.js': PARSER,
    'parsers/folder/index.js': `import './helper.js'\n${PARSER}`,
    'parsers/folder/helper.js': '',
    'parsers/other.js': 'globalThis.wasLoaded = true',
  }
  const open = await load(t, files)
  const pinOf = (name: string) => {
    const plugin = open.plugins.all.find((one) => one.name === name)
    return `sha256:${plugin?.sha256}`
  }
  Reflect.deleteProperty(globalThis, 'wasLoaded')
  const allow = { 'parsers/pinned': pinOf('pinned'), 'parsers/folder': pinOf('folder') }
  const strict = await load(t, files, { allow })
  t.deepEqual(strict.ids.toSorted(), ['parsers/folder', 'parsers/pinned'])
  t.deepEqual(strict.lines, ['parsers/other.js: plugin parsers/other is not in plugins.allow'])
  t.false('wasLoaded' in globalThis)

  const changed = { ...files, 'parsers/folder/helper.js': 'globalThis.wasLoaded = true' }
  const { ids, lines } = await load(t, changed, {
    allow: { ...allow, 'parsers/gone': pinOf('pinned') },
  })
  t.deepEqual(ids, ['parsers/pinned'])
  t.false('wasLoaded' in globalThis)
  t.regex(
    lines[0] ?? '',
    /^parsers\/folder\/index\.js: plugin parsers\/folder has the contents sha256:[0-9a-f]{64}, not those/,
  )
  t.deepEqual(lines.slice(1), [
    'parsers/other.js: plugin parsers/other is not in plugins.allow',
    'at plugins.allow.parsers/gone: plugins.allow: there is no plugin parsers/gone',
  ])
})

test('two validators do not share a secret type of one kind of credential', async (t) => {
  const validator = (accepts: string) =>
    part(`{ accepts: '${accepts}', secretTypes: ['Own'], validate() {} }`)
  const { lines } = await load(t, {
    'validators/a.js': validator('shared_secret'),
    'validators/b.js': validator('certificate'),
    'validators/c.js': validator('shared_secret'),
  })
  t.deepEqual(lines, [
    'validators/c.js: plugin validators/c checks Own secrets, and so does validators/a; disable one',
  ])
})

test('a store is set up when it is named, anew each time, and not before', async (t) => {
  const store = `let count = 0
    export default { contract: 1, setup: () => ({ load: async () => ({ definitions: [], faults: [] }), watches: [String(++count)] }) }`
  const { plugins } = await load(t, {
    'client-stores/own.js': store,
    'client-stores/bad.js': 'throw 1',
  })
  const used = { slot: 'client-stores', name: 'own', options: {}, locate: () => 'here' } as const
  for (const count of ['1', '2']) {
    const ready = await plugins.use(used)
    t.deepEqual('message' in ready ? ready.message : ready.part.watches, [count])
  }
  t.like(await plugins.check({ ...used, name: 'gone' }), {
    at: 'here',
    message: 'there is no plugin client-stores/gone; there is own',
  })
  t.like(await plugins.check({ ...used, options: { x: 1 } }), {
    at: 'here',
    message: 'plugin client-stores/own takes no options',
  })
})

for (const [title, answer, fault] of [
  [
    'a promise',
    'Promise.resolve(undefined)',
    /^returned a promise; a parser has to answer at once$/,
  ],
  ['true', 'true', /^returned neither/],
  ['nothing but null', 'null', /^returned neither/],
  ['an empty object', '{}', /^returned neither/],
  [
    'a credential of another kind',
    `{ kind: 'certificate', claimedClientId: 'a' }`,
    /kind shared_secret/,
  ],
  ['a credential of nobody', `{ kind: 'shared_secret', secret: 'x' }`, /^returned neither/],
  [
    'an id that is no text',
    `{ kind: 'shared_secret', claimedClientId: 7, secret: 'x' }`,
    /^returned neither/,
  ],
  [
    'another reading of nobody',
    `{ kind: 'shared_secret', claimedClientId: 'a', alternative: {} }`,
    /^returned neither/,
  ],
  ['a reason that is a sentence', `{ malformed: 'It is wrong: s3cret' }`, /^returned neither/],
] as const) {
  test(`a parser that returns ${title} has failed`, async (t) => {
    const text = part(`{ method: 'x', produces: 'shared_secret', parse: () => (${answer}) }`)
    const { plugins } = await load(t, { 'parsers/a.js': text })
    t.throws(() => plugins.of('parsers')[0]?.part.parse(aRequest()), { message: fault })
  })
}

for (const [title, body, fault] of [
  ['throws', `throw new Error('cannot')`, 'the plugin that checks it failed: cannot'],
  [
    'answers later',
    `return Promise.resolve({ fault: 'bad' })`,
    'the plugin that checks it said nothing of use',
  ],
  ['answers true', `return true`, 'the plugin that checks it said nothing of use'],
  [
    'finds by what is no text',
    `return { lookupKeys: [1] }`,
    'the plugin that checks it said nothing of use',
  ],
] as const) {
  test(`a secret is not used when the inspection of it ${title}`, async (t) => {
    const text = part(`{ accepts: 'x', secretTypes: ['X'], validate() {}, inspect() { ${body} } }`)
    const { plugins } = await load(t, { 'validators/a.js': text })
    const secret: Secret = { type: 'X', value: '', properties: {} }
    t.deepEqual(plugins.of('validators')[0]?.part.inspect?.(secret), { fault })
  })
}

test('a part may be an object of a class with private fields', async (t) => {
  const { plugins, lines } = await load(t, {
    'validators/a.js': `class Own {
        #secret = { ok: false, reason: 'own-reason' }
        accepts = 'shared_secret'
        get secretTypes() { return ['Own'] }
        inspect() { return { warning: this.#secret.reason } }
        validate() { return this.#secret }
      }
      export default { contract: 1, setup: () => new Own() }`,
  })
  t.deepEqual(lines, [])
  const validator = plugins.of('validators')[0]?.part
  t.deepEqual(validator?.secretTypes, ['Own'])
  t.like(validator?.inspect?.({ type: 'Own', value: '', properties: {} }), {
    warning: 'own-reason',
  })
  t.like(await validator?.validate(undefined as never), { reason: 'own-reason' })
})
