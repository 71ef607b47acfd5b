import { generateKeyPairSync, sign } from 'node:crypto'

import test from 'ava'
import * as fc from 'fast-check'

import { memoryStore } from '../../plugins/state-stores/memory.ts'
import type { DpopSettings } from '../../src/config/dpop-schema.ts'
import { openDpop } from '../../src/dpop/dpop.ts'
import { PROOF_ALGORITHMS } from '../../src/dpop/proof-algorithms.ts'
import { StateUnavailableError } from '../../src/errors.ts'
import { proofPair, signProof } from '../support/sign-proof.ts'
import type { ProofOptions } from '../support/sign-proof.ts'

const NOW = new Date('2026-01-01T12:00:00Z')
const SETTINGS: DpopSettings = {
  algorithms: [...PROOF_ALGORITHMS],
  origins: [],
  proofLifetime: 60_000,
  nonce: 'off',
  nonceLifetime: 300_000,
}

const aStore = () => memoryStore({ maxEntries: 1000, now: () => NOW.getTime() })

function open(settings = {}, issuer = 'https://server.example.com') {
  return openDpop({ ...SETTINGS, ...settings }, issuer, aStore(), 1000)
}

const IAT = NOW.getTime() / 1000
const URL_OF_API = 'https://server.example.com/orders/1'
const TOKEN = 'an.access.token'
const pair = await proofPair()
const good = { url: URL_OF_API, token: TOKEN }
const request = {
  method: 'GET',
  path: '/orders/1',
  now: NOW,
  bound: { token: TOKEN, jkt: pair.jkt },
} as const

/** What becomes of a proof that is good but for the options. */
async function judge(
  { claims, ...options }: Partial<ProofOptions> = {},
  dpop = open(),
  more: Partial<Parameters<typeof dpop.check>[0]> = {},
) {
  const proof = await signProof(pair, { ...good, ...options, claims: { iat: IAT, ...claims } })
  return dpop.check({ ...request, proof, ...more })
}

// RFC 9449 figure 2, figure 13 and §6.1, with the line breaks of the document taken out.
const RFC_JKT = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'
const RFC_HEADER =
  'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19'
const RFC_AT_TOKEN = `${RFC_HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg`
const RFC_AT_API = `${RFC_HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA`

test('the proofs of RFC 9449 are proofs of the key that it names', async (t) => {
  const atToken = { proof: RFC_AT_TOKEN, method: 'POST', path: '/token' }
  t.deepEqual(await open().check({ ...atToken, now: new Date(1_562_262_616_000) }), {
    ok: true,
    jkt: RFC_JKT,
  })
  const token = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'
  const atApi = {
    proof: RFC_AT_API,
    method: 'GET',
    path: '/protectedresource',
    now: new Date(1_562_262_618_000),
  }
  const dpop = () => open({}, 'https://resource.example.org')
  t.like(await dpop().check({ ...atApi, bound: { token, jkt: RFC_JKT } }), { ok: true })
  t.like(await dpop().check({ ...atApi, bound: { token: `${token}x`, jkt: RFC_JKT } }), {
    reason: 'dpop-ath',
  })
})

for (const alg of PROOF_ALGORITHMS) {
  test(`a proof by ${alg} counts, and only where it is allowed`, async (t) => {
    const own = await proofPair(alg)
    const claims = { iat: IAT }
    const proof = await signProof(own, { ...good, claims })
    const bound = { token: TOKEN, jkt: own.jkt }
    t.deepEqual(await open().check({ ...request, proof, bound }), { ok: true, jkt: own.jkt })
    const other = alg === 'ES256' ? 'ES384' : 'ES256'
    const refused = await open({ algorithms: [other] }).check({ ...request, proof, bound })
    t.like(refused, { ok: false, code: 'invalid_dpop_proof', reason: 'dpop-alg', want: other })
  })
}

for (const [what, options] of [
  ['that is 60 s old', { claims: { iat: IAT - 60 } }],
  ['that is 60 s early', { claims: { iat: IAT + 60 } }],
  ['with a query in htu, which does not count', { claims: { htu: `${URL_OF_API}?a=1#b` } }],
  [
    'with the port that is understood',
    { claims: { htu: 'https://server.example.com:443/orders/1' } },
  ],
  ['with a host in capitals', { claims: { htu: 'HTTPS://Server.Example.COM/orders/1' } }],
  ['with an escape that needs none', { claims: { htu: 'https://server.example.com/%6Frders/1' } }],
  ['with dots in the path', { claims: { htu: 'https://server.example.com/x/../orders/./1' } }],
  ['typed with its whole media type', { header: { typ: 'application/dpop+jwt' } }],
  ['with the longest jti', { claims: { jti: 'j'.repeat(256) } }],
] as const) {
  test(`a proof counts ${what}`, async (t) => {
    t.deepEqual(await judge(options), { ok: true, jkt: pair.jkt })
  })
}

const { x, ...withoutX } = pair.publicJwk
const priv = pair.privateKey.export({ format: 'jwk' })

for (const [what, options, reason] of [
  ['of another type', { header: { typ: 'JWT' } }, 'dpop-typ'],
  ['without a type', { header: { typ: undefined } }, 'dpop-typ'],
  ['with a critical extension', { header: { crit: ['b64'], b64: true } }, 'dpop-crit'],
  ['without a key', { header: { jwk: undefined } }, 'dpop-jwk'],
  ['with a private key', { header: { jwk: priv } }, 'dpop-jwk'],
  ['with a key that lacks a member', { header: { jwk: withoutX } }, 'dpop-jwk'],
  ['with a key off its curve', { header: { jwk: { ...pair.publicJwk, y: x } } }, 'dpop-jwk'],
  ['with a key for encryption', { header: { jwk: { ...pair.publicJwk, use: 'enc' } } }, 'dpop-jwk'],
  [
    'with a key of another alg',
    { header: { jwk: { ...pair.publicJwk, alg: 'ES384' } } },
    'dpop-jwk',
  ],
  ['with a symmetric key', { header: { jwk: { kty: 'oct', k: 'AAAA' } } }, 'dpop-jwk'],
  ['with a list for a key', { header: { jwk: [pair.publicJwk] } }, 'dpop-jwk'],
  [
    'with a key of kind toString',
    { header: { jwk: { kty: 'toString', crv: 'P-256' } } },
    'dpop-jwk',
  ],
  ['with a padded coordinate', { header: { jwk: { ...pair.publicJwk, x: `${x}=` } } }, 'dpop-jwk'],
  ['for another method', { claims: { htm: 'POST' } }, 'dpop-htm'],
  ['for the method in small letters', { claims: { htm: 'get' } }, 'dpop-htm'],
  ['without a method', { claims: { htm: undefined } }, 'dpop-htm'],
  ['for another path', { claims: { htu: 'https://server.example.com/orders/2' } }, 'dpop-htu'],
  [
    'for a path in capitals',
    { claims: { htu: 'https://server.example.com/Orders/1' } },
    'dpop-htu',
  ],
  ['for a longer path', { claims: { htu: `${URL_OF_API}/` } }, 'dpop-htu'],
  ['for another host', { claims: { htu: 'https://elsewhere.example/orders/1' } }, 'dpop-htu'],
  ['for another port', { claims: { htu: 'https://server.example.com:8443/orders/1' } }, 'dpop-htu'],
  ['for plain HTTP', { claims: { htu: 'http://server.example.com/orders/1' } }, 'dpop-htu'],
  ['for a user', { claims: { htu: 'https://a:b@server.example.com/orders/1' } }, 'dpop-htu'],
  ['for a path alone', { claims: { htu: '/orders/1' } }, 'dpop-htu'],
  [
    'for a slash that is escaped',
    { claims: { htu: 'https://server.example.com/orders%2F1' } },
    'dpop-htu',
  ],
  ['for a list', { claims: { htu: [URL_OF_API] } }, 'dpop-htu'],
  ['that is 61 s old', { claims: { iat: IAT - 61 } }, 'dpop-iat'],
  ['that is 61 s early', { claims: { iat: IAT + 61 } }, 'dpop-iat'],
  ['with a time that is a text', { claims: { iat: String(IAT) } }, 'dpop-iat'],
  ['without a time', { claims: { iat: undefined } }, 'dpop-iat'],
  ['for another token', { token: 'another.access.token' }, 'dpop-ath'],
  ['for no token', { claims: { ath: undefined } }, 'dpop-ath'],
  ['without a jti', { claims: { jti: undefined } }, 'dpop-jti'],
  ['with an empty jti', { claims: { jti: '' } }, 'dpop-jti'],
  ['with a jti that is a number', { claims: { jti: 1 } }, 'dpop-jti'],
  ['with a jti over the limit', { claims: { jti: 'j'.repeat(257) } }, 'dpop-jti'],
  ['over the limit', { claims: { more: 'm'.repeat(4096) } }, 'dpop-too-long'],
] as const) {
  test(`a proof is refused ${what}, and uses nothing up`, async (t) => {
    const dpop = openDpop(
      SETTINGS,
      'https://server.example.com',
      { ...aStore(), add: () => Promise.reject(new Error('claimed')) },
      1000,
    )
    t.like(await judge(options, dpop), { ok: false, code: 'invalid_dpop_proof', reason })
  })
}

test('a weak RSA key is refused, and one that is costly to verify with', async (t) => {
  for (const own of [await proofPair('RS256', 1024), await proofPair('RS256', 4608)]) {
    const input = [{ typ: 'dpop+jwt', alg: 'RS256', jwk: own.publicJwk }, { htm: 'GET' }]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.')
    const signature = sign('sha256', Buffer.from(input), own.privateKey).toString('base64url')
    const check = await open().check({
      ...request,
      proof: `${input}.${signature}`,
      bound: { token: TOKEN, jkt: own.jkt },
    })
    t.like(check, { ok: false, reason: 'dpop-jwk' })
  }
})

test('a proof is refused that the key in it did not sign', async (t) => {
  const other = await proofPair()
  const proof = await signProof(
    { ...pair, privateKey: other.privateKey },
    { ...good, claims: { iat: IAT } },
  )
  t.like(await open().check({ ...request, proof }), { reason: 'dpop-signature' })
})

test('no algorithm without a public key counts, whatever key is brought along', async (t) => {
  const head = (alg: string) =>
    Buffer.from(JSON.stringify({ typ: 'dpop+jwt', alg, jwk: pair.publicJwk })).toString('base64url')
  for (const alg of ['none', 'None', 'HS256', 'toString', '']) {
    const proof = `${head(alg)}.e30.AAAA`
    t.like(await open().check({ ...request, proof }), { reason: 'dpop-alg' }, alg)
  }
})

test('another key than the one that the token is bound to is refused before its signature is looked at', async (t) => {
  const other = await proofPair()
  const proof = await signProof(other, { ...good, claims: { iat: IAT } })
  const broken = `${proof.slice(0, proof.lastIndexOf('.'))}.AAAA`
  for (const one of [proof, broken]) {
    const check = await open().check({ ...request, proof: one })
    t.like(check, { ok: false, code: 'invalid_token', reason: 'token-binding' })
  }
})

test('a proof counts once, and the jti of one key does not burn that of another', async (t) => {
  const dpop = open()
  const claims = { jti: 'one' }
  t.like(await judge({ claims }, dpop), { ok: true })
  t.like(await judge({ claims }, dpop), { code: 'invalid_dpop_proof', reason: 'dpop-replayed' })
  const other = await proofPair()
  const proof = await signProof(other, { ...good, claims: { iat: IAT, ...claims } })
  const bound = { token: TOKEN, jkt: other.jkt }
  t.like(await dpop.check({ ...request, proof, bound }), { ok: true })
})

test('of many that come at once with one proof exactly one gets in', async (t) => {
  const dpop = open()
  const proof = await signProof(pair, { ...good, claims: { iat: IAT } })
  const all = await Promise.all(
    Array.from({ length: 100 }, () => dpop.check({ ...request, proof })),
  )
  t.is(all.filter(({ ok }) => ok).length, 1)
})

test('a proof is remembered for longer than it could count', async (t) => {
  let remembered: Date | undefined
  const store = {
    ...aStore(),
    add: async (_key: string, _value: string, until?: Date) => {
      remembered = until
      return true
    },
  }
  const dpop = openDpop(SETTINGS, 'https://server.example.com', store, 1000)
  t.like(await judge({ claims: { iat: IAT + 60 } }, dpop), { ok: true })
  t.true((remembered?.getTime() ?? 0) > (IAT + 120) * 1000)
})

test('a store that cannot answer lets no proof pass', async (t) => {
  for (const add of [() => Promise.reject(new Error('down')), () => new Promise<never>(() => {})]) {
    const store = { ...aStore(), add }
    const dpop = openDpop(SETTINGS, 'https://server.example.com', store, 20)
    await t.throwsAsync(judge({}, dpop), { instanceOf: StateUnavailableError })
  }
})

test('only origins that are configured count', async (t) => {
  const dpop = open({ origins: ['https://api.example:8443'] })
  t.like(await judge({ url: 'https://api.example:8443/orders/1' }, dpop), { ok: true })
  t.like(await judge({}, dpop), { ok: true })
  t.like(await judge({ url: 'https://api.example/orders/1' }, dpop), { reason: 'dpop-htu' })
})

test('what is no proof is refused without a fault', async (t) => {
  const dpop = open()
  const proof = await signProof(pair, { ...good, claims: { iat: IAT } })
  for (const [value, reason] of [
    [undefined, 'dpop-missing'],
    ['', 'dpop-malformed'],
    [`${proof}, ${proof}`, 'dpop-repeated'],
    [`${proof}.${proof}`, 'dpop-malformed'],
    [`${proof}=`, 'dpop-malformed'],
    [` ${proof}`, 'dpop-malformed'],
    [proof.slice(0, proof.lastIndexOf('.') + 1), 'dpop-malformed'],
    ['W10.W10.AAAA', 'dpop-malformed'],
    [`${b64('{"typ":"dpop+jwt","typ":"dpop+jwt"}')}.e30.AAAA`, 'dpop-malformed'],
    [`e30.${b64('{"htm":"GET","htm":"POST"}')}.AAAA`, 'dpop-malformed'],
    [`${b64('{"jwk":{"kty":"EC","k\\u0074y":"RSA"}}')}.e30.AAAA`, 'dpop-malformed'],
    [`${b64('{"a":'.repeat(400))}.e30.AAAA`, 'dpop-malformed'],
  ] as const) {
    const check = await dpop.check({ ...request, proof: value })
    t.like(check, { ok: false, code: 'invalid_dpop_proof', reason }, String(value))
  }
})

function b64(text: string): string {
  return Buffer.from(text).toString('base64url')
}

const parts = fc.oneof(fc.json(), fc.string(), fc.constant('{"typ":"dpop+jwt","alg":"ES256"}'))
const anything = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.tuple(parts, parts, fc.base64String()).map(([a, b, c]) => [b64(a), b64(b), c].join('.')),
)

test('whatever is sent as a proof is refused in the agreed form', async (t) => {
  const dpop = open()
  const property = fc.asyncProperty(anything, async (proof) => {
    const check = await dpop.check({ ...request, proof })
    return !check.ok && check.reason.startsWith('dpop-') && JSON.stringify(check).length < 1000
  })
  await fc.assert(property, { numRuns: 1000 })
  t.pass()
})

const anyHeader = fc.record(
  {
    typ: fc.oneof(fc.constant('dpop+jwt'), fc.jsonValue()),
    alg: fc.oneof(fc.constantFrom(...PROOF_ALGORITHMS), fc.jsonValue()),
    jwk: fc.oneof(
      fc.record(
        {
          kty: fc.oneof(fc.constantFrom('EC', 'RSA', 'OKP'), fc.jsonValue()),
          crv: fc.oneof(fc.constantFrom('P-256', 'P-384', 'Ed25519'), fc.jsonValue()),
          x: fc.oneof(fc.base64String(), fc.jsonValue()),
          y: fc.oneof(fc.base64String(), fc.jsonValue()),
          n: fc.oneof(fc.base64String(), fc.jsonValue()),
          e: fc.oneof(fc.constant('AQAB'), fc.jsonValue()),
        },
        { requiredKeys: [] },
      ),
      fc.jsonValue(),
    ),
  },
  { requiredKeys: [] },
)

test('whatever key a proof brings along, only one that signed it counts', async (t) => {
  const dpop = open()
  const property = fc.asyncProperty(anyHeader, async (header) => {
    const proof = `${b64(JSON.stringify(header))}.${b64('{"htm":"GET"}')}.AAAA`
    return !(await dpop.check({ ...request, proof })).ok
  })
  await fc.assert(property, { numRuns: 1000 })
  t.pass()
})

test('one byte changed anywhere in a proof spoils it', async (t) => {
  const proof = await signProof(pair, { ...good, claims: { iat: IAT } })
  const places = fc.tuple(fc.nat(proof.length - 1), fc.constantFrom('A', 'b', '9', '_', '.', '='))
  const property = fc.asyncProperty(places, async ([at, character]) => {
    fc.pre(proof[at] !== character)
    const changed = proof.slice(0, at) + character + proof.slice(at + 1)
    return !(await open().check({ ...request, proof: changed })).ok
  })
  await fc.assert(property, { numRuns: 300 })
  t.pass()
})

test('with a nonce required a proof counts only with one of ours that is fresh', async (t) => {
  const store = aStore()
  const settings = { ...SETTINGS, nonce: 'required' } as const
  const [one, replica] = ['https://server.example.com', 'https://server.example.com'].map(
    (issuer) => openDpop(settings, issuer, store, 1000),
  )
  if (!one?.nonce || !replica) throw new Error('there is no nonce')
  const code = 'use_dpop_nonce'
  t.like(await judge({}, one), { ok: false, code, reason: 'dpop-nonce' })
  const at = (ms: number) => new Date(NOW.getTime() + ms)
  const fresh = await one.nonce(NOW)
  t.like(await judge({ claims: { nonce: fresh } }, one), { ok: true })
  t.like(await judge({ claims: { nonce: fresh } }, replica), { ok: true })
  for (const nonce of [
    '',
    1,
    'A'.repeat(10_000).slice(0, 1000),
    `${fresh}A`,
    fresh.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')),
    await one.nonce(at(-300_001)),
    await one.nonce(at(60_001)),
    await open({ nonce: 'required' }).nonce?.(NOW),
  ]) {
    t.like(await judge({ claims: { nonce } }, one), { code, reason: 'dpop-nonce' }, String(nonce))
  }
  t.like(await judge({ claims: { nonce: await one.nonce(at(-300_000)) } }, one), { ok: true })
})

test('a key of nonces that the store could not give is asked for anew', async (t) => {
  const store = aStore()
  let down = true
  const flaky = {
    get: store.get,
    add: (key: string, value: string, until?: Date) =>
      down ? Promise.reject(new Error('down')) : store.add(key, value, until),
  }
  const settings = { ...SETTINGS, nonce: 'required' } as const
  const dpop = openDpop(settings, 'https://server.example.com', flaky, 1000)
  await t.throwsAsync(async () => dpop.nonce?.(NOW), { instanceOf: StateUnavailableError })
  down = false
  const nonce = await dpop.nonce?.(NOW)
  t.like(await judge({ claims: { nonce } }, dpop), { ok: true })
})

test('an Ed448 key, of a curve that no algorithm here has, is refused', async (t) => {
  const { publicKey } = generateKeyPairSync('ed448')
  const jwk = publicKey.export({ format: 'jwk' })
  const head = b64(JSON.stringify({ typ: 'dpop+jwt', alg: 'EdDSA', jwk }))
  t.like(await open().check({ ...request, proof: `${head}.e30.AAAA` }), { reason: 'dpop-jwk' })
})
