import type { TestFn } from 'ava'
import * as fc from 'fast-check'

import type { IdentityHeaders, Principal } from '#contract'

import { aForwarded, aPeer } from './build.ts'

const VALUE = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/

/** What every set of identity headers must hold to, whoever calls. */
export function identityHeadersContract(
  test: TestFn,
  name: string,
  open: () => Promise<IdentityHeaders>,
): void {
  test(`${name}: owns the names that it may set, each once`, async (t) => {
    const { names } = await open()
    const folded = names.map(fold)
    t.true(names.length > 0)
    t.is(new Set(folded).size, folded.length)
    for (const one of names) t.regex(one.replace(/\*$/, ''), TOKEN)
  })

  test(`${name}: whoever calls, it sets only its own names, to visible ASCII`, async (t) => {
    const part = await open()
    const owned = (header: string) =>
      part.names.some((one) =>
        one.endsWith('*')
          ? fold(header).startsWith(fold(one.slice(0, -1)))
          : fold(header) === fold(one),
      )
    const property = fc.property(principals, (principal) => {
      const headers = part.headers(principal, aForwarded())
      for (const [header, values] of Object.entries(headers)) {
        t.true(owned(header), header)
        for (const value of [values].flat()) {
          t.regex(value, VALUE)
          t.true(value.length <= 8192)
        }
      }
    })
    fc.assert(property, { numRuns: 500 })
  })

  test(`${name}: what is said of two clients is not the same`, async (t) => {
    const part = await open()
    const pair = fc.tuple(ids, ids).filter(([a, b]) => a !== b)
    const property = fc.property(pair, ([a, b]) => {
      const told = [a, b].map((clientId) => {
        const principal: Principal = { clientId, scopes: [], method: 'bearer' }
        return part.headers(principal, aForwarded())
      })
      // A set that tells of certificates only has nothing to say of these two.
      if (Object.keys(told[0] ?? {}).length > 0) t.notDeepEqual(told[0], told[1])
      else t.deepEqual(told[1], {})
    })
    fc.assert(property, { numRuns: 500 })
  })
}

function fold(name: string): string {
  return name.toLowerCase().replaceAll('_', '-')
}

const scope = fc.stringMatching(/^[\x21\x23-\x5b\x5d-\x7e]{1,30}$/)
const ids = fc.oneof(
  fc.string({ minLength: 1, maxLength: 100 }),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 50 }),
  fc.constantFrom('a', 'a ', ' a', 'a%20', 'ä', '%C3%A4', 'a\nb', 'a%0Ab'),
)
const peer = aPeer()
const principals: fc.Arbitrary<Principal> = fc
  .record({
    clientId: ids,
    clientName: fc.option(fc.string({ unit: 'grapheme', maxLength: 300 }), { nil: undefined }),
    scopes: fc.array(scope, { maxLength: 20 }),
    method: fc.constantFrom('bearer', 'tls_client_auth', 'client_secret_basic'),
    bound: fc.boolean(),
  })
  .map(({ clientName, bound, ...principal }) =>
    Object.assign(
      principal,
      clientName === undefined ? {} : { clientName },
      bound ? { peer, confirmation: { 'x5t#S256': peer.x5tS256 } } : {},
    ),
  )
