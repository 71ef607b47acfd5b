import test from 'ava'
import fc from 'fast-check'

import { asciiLines, headerRecord } from '../../../src/gateway/upgrades/header-record.ts'

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,12}$/)
const special = fc.constantFrom('__proto__', 'constructor', 'toString', 'Set-Cookie', 'set-cookie')
const pairs = fc.array(fc.tuple(fc.oneof(token, special), fc.string()))

test('every value is there once, under its name in lower case, in order', (t) => {
  fc.assert(
    fc.property(pairs, (lines) => {
      const record = headerRecord(lines.flat())
      const wanted = Map.groupBy(lines, ([name]) => name.toLowerCase())
      t.deepEqual(Object.keys(record).toSorted(), [...wanted.keys()].toSorted())
      for (const [name, same] of wanted) {
        t.deepEqual(
          [Object.getOwnPropertyDescriptor(record, name)?.value as string | string[]].flat(),
          same.map(([, value]) => value),
        )
      }
      t.is(Object.getPrototypeOf(record), Object.prototype)
    }),
  )
})

test('of lines with anything but ASCII in the value nothing stays', (t) => {
  fc.assert(
    fc.property(pairs, (lines) => {
      // oxlint-disable-next-line no-control-regex
      const kept = lines.filter(([, value]) => /^[\t -~]*$/.test(value))
      t.deepEqual(asciiLines(lines.flat()), kept.flat())
    }),
  )
})
