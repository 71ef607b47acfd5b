import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'

import test from 'ava'

import { fateOf } from './support/never-smuggled.ts'

interface Vector {
  readonly id: string
  /** The bytes to send, base64. */
  readonly raw: string
}

const file = resolve(process.env['VOUCHGATE_CORPORA'] ?? '../shared/corpora', 'http/llhttp.jsonl')

if (existsSync(file)) {
  const lines = readFileSync(file, 'utf8').trim().split('\n')
  for (const vector of lines.map((line) => JSON.parse(line) as Vector)) {
    test(`${vector.id}: nothing is smuggled`, async (t) => {
      const bytes = Buffer.from(vector.raw, 'base64').toString('latin1')
      await fateOf(t, Buffer.from(bytes, 'latin1'))
      // without a Host most would be refused for that
      await fateOf(
        t,
        Buffer.from(bytes.replaceAll(/(?<= HTTP\/1\.[01]\r\n)/g, 'Host: a\r\n'), 'latin1'),
      )
    })
  }
} else if (process.env['CI'] === 'true') {
  test('the HTTP corpus is there', (t) => t.fail(`${file} is missing`))
} else {
  test.skip(`nothing of the HTTP corpus is smuggled (${file} is missing)`, () => undefined)
}
