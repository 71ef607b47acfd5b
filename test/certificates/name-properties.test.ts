import test from 'ava'
import fc from 'fast-check'

import type {
  DistinguishedName,
  NameNotation,
} from '../../src/certificates/name/distinguished-name.ts'
import { decodeName } from '../../src/certificates/name/decode-name.ts'
import { encodeName } from '../../src/certificates/name/encode-name.ts'
import { nameKey } from '../../src/certificates/name/name-key.ts'
import { parseName } from '../../src/certificates/name/parse-name.ts'
import { renderName } from '../../src/certificates/name/render-name.ts'
import { names } from '../../src/certificates/names.ts'
import { anyName, asText, awkwardText } from './arbitrary-name.ts'

const NOTATIONS: readonly NameNotation[] = ['dotnet', 'rfc4514', 'openssl', 'slash']

test('a name survives DER with its string types', (t) => {
  fc.assert(
    fc.property(anyName, (name) => {
      const decoded = decodeName(encodeName(name))
      t.is(nameKey(decoded), nameKey(name))
      t.deepEqual(encodeName(decoded), encodeName(name))
      const types = (one: DistinguishedName) =>
        Map.groupBy(one.flat(), (part) => ('der' in part ? 'der' : part.stringType))
      for (const [type, parts] of types(name)) t.is(types(decoded).get(type)?.length, parts.length)
    }),
  )
})

for (const notation of NOTATIONS) {
  test(`a name written in the ${notation} notation is read back losslessly`, (t) => {
    fc.assert(
      fc.property(anyName, (name) => {
        const text = renderName(name, notation)
        const parsing = parseName(text, notation)
        t.true(parsing.ok, text)
        if (parsing.ok) t.deepEqual(asText(parsing.name), asText(name), text)
      }),
    )
  })
}

for (const notation of NOTATIONS) {
  test(`the ${notation} notation is recognised and gives the key of the name`, (t) => {
    fc.assert(
      fc.property(anyName, (name) => {
        // A backslash in a .NET name is read as an escape where it can be one.
        fc.pre(notation !== 'dotnet' || !renderName(name, notation).includes('\\'))
        const text = renderName(name, notation)
        t.deepEqual(names.read(text), { ok: true, key: nameKey(name) }, text)
      }),
    )
  })
}

test('the whole reverse of a name has its key', (t) => {
  fc.assert(
    fc.property(anyName, (name) => {
      t.is(nameKey(name.toReversed()), nameKey(name))
    }),
  )
})

test('the attributes of a multi-valued step have no order', (t) => {
  fc.assert(
    fc.property(anyName, (name) => {
      t.is(nameKey(name.map((step) => step.toReversed())), nameKey(name))
    }),
  )
})

test('a missing, added or doubled attribute makes another name', (t) => {
  fc.assert(
    fc.property(anyName, fc.nat(), awkwardText, (name, position, text) => {
      const at = position % name.length
      const extra = { type: '2.5.4.11', text }
      const [first] = name[at] ?? []
      const others = [
        name.toSpliced(at, 1),
        name.toSpliced(at, 0, [extra]),
        [...name, ...name],
        name.map((step, index) => (index === at ? [...step, extra] : step)),
        name.map((step, index) => (index === at && first ? [...step, first] : step)),
      ]
      for (const other of others) t.not(nameKey(other), nameKey(name))
    }),
  )
})

const few = fc.string({
  unit: fc.constantFrom(...'aA ,+=#:1"', ',2.5.4.10=', '+1.2.3='),
  maxLength: 4,
})
const smallName: fc.Arbitrary<DistinguishedName> = fc.array(
  fc.array(fc.record({ type: fc.constantFrom('2.5.4.3', '2.5.4.10', '1.2.3'), text: few }), {
    minLength: 1,
    maxLength: 2,
  }),
  { minLength: 1, maxLength: 3 },
)

/** What a name means, put together in another way than the key is. */
function meaning(name: DistinguishedName): string {
  const steps = name.map((step) =>
    step
      .map((one) => {
        const text = 'text' in one ? one.text : ''
        const words = text
          .toLowerCase()
          .split(' ')
          .filter((word) => word !== '')
        return JSON.stringify([one.type, one.type === '1.2.3' ? [text] : words])
      })
      .toSorted(),
  )
  return [JSON.stringify(steps), JSON.stringify(steps.toReversed())].toSorted().join()
}

test('two names have one key exactly when they mean the same', (t) => {
  fc.assert(
    fc.property(smallName, smallName, (one, other) => {
      t.is(nameKey(one) === nameKey(other), meaning(one) === meaning(other))
    }),
    { numRuns: 3000 },
  )
  fc.assert(
    fc.property(smallName, fc.nat(), fc.nat(), (name, from, to) => {
      const [moved = []] = name.slice(from % name.length)
      const permuted = name.toSpliced(from % name.length, 1).toSpliced(to % name.length, 0, moved)
      t.is(nameKey(name) === nameKey(permuted), meaning(name) === meaning(permuted))
    }),
    { numRuns: 1000 },
  )
})

test('reading never throws, whatever the text', (t) => {
  const mutated = fc
    .tuple(
      anyName,
      fc.constantFrom(...NOTATIONS),
      fc.nat(),
      fc.string({ unit: 'binary-ascii', maxLength: 3 }),
    )
    .map(([name, notation, position, insert]) => {
      const text = renderName(name, notation)
      const at = position % (text.length + 1)
      return text.slice(0, at) + insert + text.slice(at + 1)
    })
  const texts = fc.oneof(fc.string({ unit: 'binary' }), mutated, awkwardText)
  fc.assert(
    fc.property(texts, (text) => {
      const reading = names.read(text)
      if (reading.ok) t.regex(reading.key, /^\d/)
      else t.regex(reading.fault, /^character \d+: \S/)
    }),
    { numRuns: 2000 },
  )
})

test('decoding throws nothing but a DerFault, whatever the bytes', (t) => {
  const flipped = fc.tuple(anyName, fc.nat(), fc.nat(255)).map(([name, position, octet]) => {
    const der = encodeName(name)
    der[position % der.length] = octet
    return der
  })
  fc.assert(
    fc.property(fc.oneof(flipped, fc.uint8Array({ maxLength: 60 })), (der) => {
      try {
        t.is(typeof nameKey(decodeName(der)), 'string')
      } catch (error) {
        t.is((error as Error).name, 'DerFault')
      }
    }),
    { numRuns: 2000 },
  )
})
