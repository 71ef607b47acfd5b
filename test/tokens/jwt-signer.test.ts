import { generateKeyPairSync } from 'node:crypto'

import test from 'ava'
import { jwtVerify } from 'jose'

import { jwtSigner } from '../../src/tokens/jwt-signer.ts'
import { generateSigningJwk, signingKey } from '../../src/tokens/signing-key.ts'

const ISSUER = 'https://auth.example'

for (const algorithm of ['ES256', 'RS256', 'PS256'] as const)
  test(`what is signed with ${algorithm} fits the key that the JWKS shows`, async (t) => {
    const key = await signingKey(await generateSigningJwk(algorithm))
    const signer = jwtSigner(ISSUER)
    signer.use(() => key)
    const { payload, protectedHeader } = await jwtVerify(
      signer.sign('my-statement+jwt', { sub: 'bätch', iss: 'https://elsewhere.example' }),
      key.publicKey,
      { algorithms: [algorithm] },
    )
    t.deepEqual(payload, { sub: 'bätch', iss: ISSUER })
    t.deepEqual(protectedHeader, { alg: algorithm, kid: key.kid, typ: 'my-statement+jwt' })
  })

test('the key of the moment signs', (t) => {
  const { privateKey: keyObject } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  let kid = 'one'
  const signer = jwtSigner(ISSUER)
  signer.use(() => ({ kid, algorithm: 'ES256', keyObject }))
  const kidOf = () => {
    const [header = ''] = signer.sign('x+jwt', {}).split('.')
    return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid
  }
  t.is(kidOf(), 'one')
  kid = 'two'
  t.is(kidOf(), 'two')
})

test('nothing is signed before there is a key', (t) => {
  t.throws(() => jwtSigner(ISSUER).sign('x+jwt', {}), { message: /no key/ })
})

for (const type of ['at+jwt', 'token-introspection+jwt', 'AT+JWT', 'application/at+jwt', 'JWT', ''])
  test(`nothing is signed that passes for ${type || 'any kind of token'}`, (t) => {
    const { privateKey: keyObject } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const signer = jwtSigner(ISSUER)
    signer.use(() => ({ kid: 'k', algorithm: 'ES256', keyObject }))
    t.throws(() => signer.sign(type, {}), { instanceOf: TypeError })
  })
