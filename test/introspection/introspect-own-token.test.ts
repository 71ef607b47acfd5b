import test from 'ava'
import fc from 'fast-check'

import { memoryStore } from '../../plugins/state-stores/memory.ts'
import { introspectOwnToken } from '../../src/introspection/introspect-own-token.ts'
import { fixedKeyRing } from '../../src/tokens/fixed-key-ring.ts'
import { issueAccessToken } from '../../src/tokens/issue-access-token.ts'
import { generateSigningJwk, signingKey } from '../../src/tokens/signing-key.ts'
import { tokenState } from '../../src/tokens/token-state.ts'

const ISSUER = 'https://sidecar.test'
const NOW = new Date('2026-01-01T00:00:00Z')

async function own() {
  const key = await signingKey(await generateSigningJwk('ES256'))
  const state = tokenState(memoryStore({ maxEntries: 1000, now: () => NOW.getTime() }), 1000)
  const keyRing = fixedKeyRing(key, [])
  const seconds = Math.floor(NOW.getTime() / 1000)
  const claims = { iss: ISSUER, exp: seconds + 60, iat: seconds, jti: 'one', client_id: 'batch' }
  const make = (type: 'Jwt' | 'Reference') => issueAccessToken(claims, type, { key, state })
  return { introspect: introspectOwnToken({ issuer: ISSUER, keyRing, state }), make }
}

const piece = fc.oneof(
  fc.string({ maxLength: 30 }),
  fc.base64String({ maxLength: 60 }),
  fc.jsonValue().map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
)

test('whatever is not a token of ours is inactive, with a reason, and throws nothing', async (t) => {
  const { introspect } = await own()
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 5 }), async (pieces) => {
      const found = await introspect(pieces.join('.'), NOW)
      t.regex(found.active ? '' : found.refusal.reason, /^[a-z][a-z-]+$/)
    }),
  )
})

for (const type of ['Jwt', 'Reference'] as const) {
  test(`a ${type} with a character changed is inactive`, async (t) => {
    const { introspect, make } = await own()
    const token = await make(type)
    t.true((await introspect(token, NOW)).active)
    // The last character of a signature has four bits that mean nothing.
    const last = token.length - (type === 'Jwt' ? 2 : 1)
    const change = fc.tuple(fc.integer({ min: 0, max: last }), fc.constantFrom('A', 'b', '7', '.'))
    await fc.assert(
      fc.asyncProperty(change, async ([index, character]) => {
        fc.pre(token[index] !== character)
        const changed = token.slice(0, index) + character + token.slice(index + 1)
        t.false((await introspect(changed, NOW)).active)
      }),
    )
  })

  test(`a ${type} counts until the second in which it expires`, async (t) => {
    const { introspect, make } = await own()
    const token = await make(type)
    const after = (seconds: number) => new Date(NOW.getTime() + seconds * 1000)
    t.true((await introspect(token, after(59))).active)
    for (const seconds of [60, 61, 1e6])
      t.like(await introspect(token, after(seconds)), { refusal: { reason: 'token-expired' } })
  })
}
