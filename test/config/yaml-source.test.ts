import { execFileSync } from 'node:child_process'
import { chmodSync, symlinkSync, truncateSync } from 'node:fs'
import { join } from 'node:path'

import test from 'ava'
import * as fc from 'fast-check'
import { dump } from 'js-yaml'
import type { DumpOptions } from 'js-yaml'

import { parseYaml, readYaml } from '../../src/config/yaml-source.ts'
import type { YamlSource } from '../../src/config/yaml-source.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

function parsed(text: string, file = 'x.yaml'): YamlSource {
  const source = parseYaml(text, file)
  if ('message' in source) throw new Error(`${source.at}: ${source.message}\n${text}`)
  return source
}

for (const [title, text, at, message] of [
  ['a duplicate key', 'a: 1\nb: {c: 1, "c": 2}\n', 'x.yaml:2:12', 'duplicated mapping key'],
  ['a key twice in JSON', '{"a": 1,\n "a": 2}', 'x.yaml:2:3', 'duplicated mapping key'],
  ['a NUL', 'a: \0', 'x.yaml:1:4', 'null byte is not allowed in input'],
  [
    'a tab that indents',
    'a:\n\tb: 1\n',
    'x.yaml:2:1',
    'tab characters must not be used in indentation',
  ],
  [
    'a tag of another language',
    'a: !!js/function x',
    'x.yaml:1:4',
    'unknown scalar tag !<tag:yaml.org,2002:js/function>',
  ],
  ['two documents', 'a: 1\n---\nb: 2\n', 'x.yaml', 'holds several YAML documents; one is expected'],
  [
    'a list as a key',
    '? [a]\n: 1\n',
    'x.yaml:1:1',
    'object-based map does not support complex keys',
  ],
  ['no end', '{"a": [1', 'x.yaml:1:9', 'unexpected end of the stream within a flow collection'],
  ['brackets without end', '['.repeat(1e6), 'x.yaml:1:100', 'nesting exceeded maxDepth (100)'],
] as const) {
  test(`a file with ${title} is refused where it is wrong`, (t) => {
    t.deepEqual(parseYaml(text, 'x.yaml'), { at, message, severity: 'error' })
  })
}

const TOO_MUCH = 'its aliases lead in a circle, or stand for more values than can be read'

test('a name that stands twice in a JSON file is refused, also where it is written differently', (t) => {
  for (const [text, at] of [
    ['{"a": 1, "a": 2}', '1:11'],
    ['{"a": {"b": 1, "\\u0062": 2}}', '1:17'],
    ['{ "a": "b\\\\", "c": "\\":", "c": 1 }', '1:28'],
  ] as const) {
    const message = 'duplicated mapping key'
    t.like(parseYaml(text, 'x.json'), { at: `x.json:${at}`, message }, text)
  }
})

test('aliases are followed, but not into a circle and not beyond all measure', (t) => {
  t.deepEqual(parsed('a: &a {x: 1}\nb: [*a, *a]\n').value, { a: { x: 1 }, b: [{ x: 1 }, { x: 1 }] })

  const ten = (anchor: string, item: string) =>
    `${anchor}: &${anchor} [${Array(10).fill(item).join(', ')}]\n`
  const lines = Array.from({ length: 12 }, (_, index) => ten(`a${index + 1}`, `*a${index}`))
  const laughs = `a0: &a0 ha\n${lines.join('')}`
  t.like(parseYaml(laughs, 'x.yaml'), { at: 'x.yaml', message: TOO_MUCH })
  t.like(parseYaml('a: &a [*a]', 'x.yaml'), { at: 'x.yaml', message: TOO_MUCH })
  t.like(parseYaml('a: &a {b: {c: *a}}', 'x.yaml'), { at: 'x.yaml', message: TOO_MUCH })
  const chain = Array.from(
    { length: 5000 },
    (_, index) => `a${index + 1}: &a${index + 1} [*a${index}]\n`,
  )
  t.like(parseYaml(`a0: &a0 1\n${chain.join('')}`, 'x.yaml'), { message: TOO_MUCH })
})

test('a prototype is a key like any other', (t) => {
  const { value } = parsed('__proto__: {isAdmin: true}\nconstructor: 1\n')
  t.deepEqual(Object.keys(value as object), ['__proto__', 'constructor'])
  t.is(Reflect.get({}, 'isAdmin'), undefined)
  t.is(Reflect.get(Object.getPrototypeOf(value) as object, 'isAdmin'), undefined)
})

test('what is not a readable text is refused, each with its reason', (t) => {
  const folder = temporaryFolder(t, {
    'utf16.yaml': Buffer.from('\uFEFFa: 1', 'utf16le'),
    'latin1.yaml': Buffer.from('a: \xE9', 'latin1'),
    'huge.yaml': '',
    'hidden.yaml': 'a: 1',
  })
  truncateSync(join(folder, 'huge.yaml'), 300 * 1024 * 1024)
  chmodSync(join(folder, 'hidden.yaml'), 0)
  symlinkSync('loop.yaml', join(folder, 'loop.yaml'))
  execFileSync('mkfifo', [join(folder, 'pipe.yaml')])
  const faultOf = (name: string) => {
    const source = readYaml(join(folder, name), name)
    return 'message' in source ? `${source.at} ${source.message}` : source.value
  }
  t.is(faultOf('none.yaml'), 'none.yaml does not exist')
  t.is(faultOf('none.yaml/x'), 'none.yaml/x does not exist')
  t.is(faultOf('.'), '. is a folder, where a file is wanted')
  t.is(faultOf('pipe.yaml'), 'pipe.yaml is not a file')
  t.is(faultOf('loop.yaml'), 'loop.yaml is a link that leads back to itself')
  t.is(faultOf('huge.yaml'), 'huge.yaml is larger than 268435456 bytes')
  t.is(faultOf('utf16.yaml'), 'utf16.yaml is not UTF-8 text')
  t.is(faultOf('latin1.yaml'), 'latin1.yaml is not UTF-8 text')
  if (process.getuid?.() === 0) t.log('as root every file can be read; that case is left out')
  else t.is(faultOf('hidden.yaml'), 'hidden.yaml may not be read by this user')
})

test('JSON means as YAML what it means as JSON', (t) => {
  const property = fc.property(
    fc.jsonValue({ maxDepth: 8 }),
    fc.constantFrom(0, 2, '\t'),
    (value, indent) => {
      const text = JSON.stringify(value, null, indent)
      t.deepEqual(parsed(text, 'x.json').value, JSON.parse(text))
    },
  )
  fc.assert(property, { numRuns: 300 })
})

/** A value whose scalars are texts that occur nowhere else, so that one can find them again. */
interface Marked {
  readonly value: unknown
  /** Every path in it, and the text that stands there; nothing for a collection. */
  readonly paths: readonly { readonly path: readonly PropertyKey[]; readonly mark?: string }[]
}

const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    fc.string(),
    fc.array(tie('tree'), { maxLength: 4 }),
    fc.dictionary(fc.oneof(fc.string(), fc.string({ unit: 'grapheme' })), tie('tree'), {
      maxKeys: 4,
    }),
  ),
}))
const marked = fc
  .oneof(fc.array(tree, { maxLength: 4 }), fc.dictionary(fc.string(), tree, { maxKeys: 4 }))
  .map((value): Marked => {
    const paths: { path: PropertyKey[]; mark?: string }[] = []
    const mark = (node: unknown, path: PropertyKey[]): unknown => {
      if (typeof node === 'string') {
        const own = `@@${paths.length}@@`
        paths.push({ path, mark: own })
        return own + node
      }
      paths.push({ path })
      if (Array.isArray(node)) return node.map((item, index) => mark(item, [...path, index]))
      const entries = Object.entries(node as object)
      return Object.fromEntries(entries.map(([key, item]) => [key, mark(item, [...path, key])]))
    }
    return { value: mark(value, []), paths }
  })

const styles: fc.Arbitrary<DumpOptions> = fc.record({
  indent: fc.constantFrom(2, 4),
  flowLevel: fc.constantFrom(-1, 0, 1, 2),
  seqNoIndent: fc.boolean(),
  seqInlineFirst: fc.boolean(),
  lineWidth: fc.constantFrom(20, 80, -1),
  quoteStyle: fc.constantFrom('single', 'double'),
  forceQuotes: fc.boolean(),
  noRefs: fc.constant(true),
})

/** Everything that is located stands where it is said to stand. */
function checkPositions(
  t: import('ava').ExecutionContext,
  text: string,
  file: string,
  { paths }: Marked,
) {
  const source = parsed(text, file)
  const lines = text.split('\n')
  for (const { path: at, mark } of paths) {
    const [, line = '', column = ''] = /:(\d+):(\d+)$/.exec(source.locate(at)) ?? []
    const rest = lines
      .slice(Number(line) - 1)
      .join('\n')
      .slice(Number(column) - 1)
    if (mark === undefined) {
      // A block collection begins with what is in it.
      const inside = paths.find(
        (one) => one.path.length > at.length && at.every((step, i) => step === one.path[i]),
      )
      t.true(inside !== undefined || /^(\[\s*\]|\{\s*\})/.test(rest), `${String(at)} in ${text}`)
    } else {
      const quoted = /['"]/.test(text.charAt(text.indexOf(mark) - 1))
      t.is(rest.indexOf(mark), quoted ? 1 : 0, `${at.map(String).join('.')} in ${text}`)
    }
  }
}

test('everything in a YAML file is located where it stands', (t) => {
  const property = fc.property(
    marked,
    styles,
    fc.constantFrom('', '# x\n\n---\n'),
    (one, style, before) => {
      checkPositions(t, before + dump(one.value, style), 'x.yaml', one)
    },
  )
  fc.assert(property, { numRuns: 500 })
})

test('everything in a JSON file with comments is located where it stands', (t) => {
  const comments = fc.constantFrom('', '// "a": [\n', '/* { */ ')
  const property = fc.property(
    marked,
    fc.constantFrom(0, 2, '\t'),
    comments,
    (one, indent, before) => {
      checkPositions(t, before + JSON.stringify(one.value, null, indent), 'x.json', one)
    },
  )
  fc.assert(property, { numRuns: 300 })
})

test('what is not written is located at its key, or where it would stand', (t) => {
  const { locate } = parsed('a:\n  b:\n  c: [1, 2]\n  d: *x\n'.replace('*x', '&x 1\n  e: *x'))
  const at = (...path: PropertyKey[]) => locate(path).replace('x.yaml:', '')
  t.is(at('a', 'b'), '2:3')
  t.is(at('a', 'b', 'under'), '2:3')
  t.is(at('a', 'c', 1), '3:10')
  t.is(at('a', 'c', 2), '3:6')
  t.is(at('a', 'd'), '4:9')
  t.is(at('a', 'e'), '5:6')
  t.is(at('a', 'missing', 'x'), '2:3')
  t.is(at('nothing'), '1:1')
  t.is(at(), '1:1')
})

test('a property in capitals is found by its name in camel case, an exact one goes before', (t) => {
  const { locate } = parsed('{"ClientId": 1, "Name": 2, "name": 3}', 'x.json')
  t.is(locate(['clientId']), 'x.json:1:14')
  t.is(locate(['name']), 'x.json:1:36')
  t.is(locate(['Name']), 'x.json:1:25')
})
