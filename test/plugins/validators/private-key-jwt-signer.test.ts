import { createSecretKey, generateKeyPairSync } from 'node:crypto'

import test from 'ava'

import { findSigner } from '../../../plugins/validators/private-key-jwt/find-signer.ts'
import type { Candidate } from '../../../plugins/validators/private-key-jwt/find-signer.ts'
import { readKeyHolders } from '../../../plugins/validators/private-key-jwt/key-holder.ts'
import { IN_2020, aSecret } from '../../contract/build.ts'

/** A key that no signature can be checked with: using it is seen. */
const TRIPWIRE = createSecretKey(Buffer.alloc(32))
const ASSERTION = {
  header: { alg: 'ES256', kid: 'a' },
  claims: {},
  input: Buffer.from('a.b'),
  signature: Buffer.alloc(64, 1),
}

function candidate(namedCurve: string, kid: string): Candidate {
  const key = generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' })
  const secret = aSecret('JWK', JSON.stringify({ ...key, kid }))
  const reading = readKeyHolders(secret, { algorithms: ['ES256', 'ES384'], validity: 'enforce' })
  if (!reading.ok) throw new Error(reading.fault)
  return { secret, holder: reading.holders[0]! }
}

for (const [who, candidates] of [
  ['no keys', []],
  ['no key of the right type', [candidate('P-384', 'a')]],
  ['no key of that name', [candidate('P-256', 'b'), candidate('P-256', 'c')]],
] as const)
  test(`a client with ${who} costs one signature check all the same`, (t) => {
    t.throws(() => findSigner(ASSERTION, 'ES256', candidates, TRIPWIRE, IN_2020))
  })

test('a client with a key in question costs no further check', (t) => {
  const candidates = [candidate('P-256', 'a')]
  const { secret, considered } = findSigner(ASSERTION, 'ES256', candidates, TRIPWIRE, IN_2020)
  t.is(secret, undefined)
  t.like(considered, { length: 1, 0: { reason: 'jwt-signature' } })
})
