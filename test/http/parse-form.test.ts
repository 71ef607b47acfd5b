import test from 'ava'
import fc from 'fast-check'

import { OAuthError } from '../../src/errors.ts'
import { parseForm } from '../../src/http/read-form.ts'

const name = fc.constantFrom('token', 'scope', 'resource', 'grant type', '__proto__', 'é=&+%')
const value = fc.string({ unit: 'grapheme', maxLength: 20 })
// U+FFFD stands for what could not be decoded, so nobody can mean it.
const pairs = fc.array(
  fc.tuple(
    name,
    value.filter((text) => !text.includes('\uFFFD')),
  ),
  { maxLength: 50 },
)

test('a form is read as it was written: once each, but for the fields that may be repeated', (t) => {
  fc.assert(
    fc.property(pairs, (written) => {
      const single = written.filter(
        ([key], index) =>
          key === 'resource' || written.findIndex(([other]) => other === key) === index,
      )
      const body = Buffer.from(new URLSearchParams(single.map(([k, v]) => [k, v])).toString())
      const { fields, repeated } = parseForm(body, ['resource'])
      const given = single.filter(([, text]) => text !== '')
      t.deepEqual(
        [...fields],
        given.filter(([key]) => key !== 'resource'),
      )
      t.deepEqual(
        repeated.get('resource'),
        given.filter(([key]) => key === 'resource').map(([, text]) => text),
      )
    }),
  )
})

test('whatever comes, a form is read or refused as malformed', (t) => {
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 200 }), fc.string({ maxLength: 200 })),
      (body) => {
        try {
          parseForm(Buffer.from(body as string), ['resource'])
        } catch (error) {
          t.true(error instanceof OAuthError && error.code === 'invalid_request')
        }
      },
    ),
  )
})
