import type { TestFn } from 'ava'
import * as fc from 'fast-check'

import type {
  Attempt,
  Credential,
  CredentialKind,
  CredentialKinds,
  Secret,
  SecretInspection,
  Validator,
  Verdict,
} from '#contract'

import { aPeer, aSecret, anAttempt } from './build.ts'

const KEBAB = /^[a-z\d]+(-[a-z\d]+)*$/
const CANARY = 'canary-7f3a-secret'
/** Names and hashes of certificates may be shown. */
const PUBLIC = /^X509(?!CertificateBase64)/

/** What every validator must hold to, whatever is presented and whatever is registered. */
export function validatorContract(
  test: TestFn,
  name: string,
  open: () => Promise<Validator>,
): void {
  test(`${name}: says what it accepts and which secrets it checks`, async (t) => {
    const { accepts, secretTypes } = await open()
    t.true(accepts.length > 0)
    t.true(secretTypes.length > 0)
    t.is(new Set(secretTypes).size, secretTypes.length)
  })

  test(`${name}: its decoys are secrets of its own types, sound, and let nobody in`, async (t) => {
    const validator = await open()
    const { decoys = [], secretTypes } = validator
    for (const decoy of decoys) {
      t.true(secretTypes.includes(decoy.type))
      t.is(validator.inspect?.(decoy).fault, undefined)
    }
    const property = fc.asyncProperty(credentials(validator), async (credential) => {
      const verdict = await validator.validate(attempt(credential, decoys))
      checkVerdict(verdict, decoys)
      t.false(verdict.ok)
    })
    await fc.assert(property, { numRuns: 100 })
  })

  test(`${name}: inspecting any value ends in findings and gives away no secret`, async (t) => {
    const validator = await open()
    const property = fc.property(secrets(validator), (secret) => {
      const found = validator.inspect?.(secret) ?? {}
      checkInspection(found)
      const hidden = validator.accepts !== 'certificate'
      if (hidden && JSON.stringify(found).includes(CANARY))
        throw new Error(`gives the secret away: ${JSON.stringify(found)}`)
    })
    fc.assert(property, { numRuns: 1000 })
    t.pass()
  })

  test(`${name}: whatever is presented, a refusal names its reason and no secret`, async (t) => {
    const validator = await open()
    const some = fc.array(secrets(validator), { maxLength: 5 })
    const property = fc.asyncProperty(credentials(validator), some, async (credential, list) => {
      const sound = list.filter((secret) => validator.inspect?.(secret).fault === undefined)
      checkVerdict(await validator.validate(attempt(credential, sound)), sound)
    })
    await fc.assert(property, { numRuns: 300 })
    t.pass()
  })

  test(`${name}: a refusal uses up nothing`, async (t) => {
    const validator = await open()
    const replay = { claim: async () => t.fail('claimed') }
    const property = fc.asyncProperty(credentials(validator), async (credential) => {
      await validator.validate(attempt(credential, validator.decoys ?? [], { replay }))
    })
    await fc.assert(property, { numRuns: 50 })
    t.pass()
  })
}

function attempt(
  credential: Credential,
  secrets_: readonly Secret[],
  overrides: Partial<Attempt> = {},
): Attempt {
  const trust = { verify: () => ({ ok: false, reason: 'chain-untrusted' }) as const }
  return anAttempt(credential, secrets_, { trust, ...overrides })
}

function checkVerdict(verdict: Verdict, looked: readonly Secret[]): void {
  if (verdict.ok) {
    if (verdict.secret && !looked.includes(verdict.secret)) throw new Error('a foreign secret')
    return
  }
  for (const { secret, ...refusal } of verdict.considered ?? []) {
    if (!looked.includes(secret)) throw new Error('considered a foreign secret')
    checkTexts(refusal)
  }
  const { considered: _, ...refusal } = verdict
  checkTexts(refusal)
}

function checkTexts(refusal: { readonly reason: string }): void {
  if (!KEBAB.test(refusal.reason)) throw new Error(`no machine word: ${refusal.reason}`)
  const text = JSON.stringify(refusal)
  if (text.includes(CANARY)) throw new Error(`gives the secret away: ${text}`)
  if (text.length > 2000) throw new Error(`says too much: ${text.length} characters`)
}

function checkInspection(inspection: SecretInspection): void {
  const { fault, warning, lookupKeys = [], identifiers = [] } = inspection
  for (const text of [fault, warning, ...identifiers])
    if (text === '' || (text?.length ?? 0) > 1000) throw new Error('an empty or endless text')
  for (const key of lookupKeys)
    if (!/^[a-z\d-]+:./s.test(key)) throw new Error(`a lookup key without a kind: ${key}`)
}

const base64 = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64')
const base64url = (bytes: Uint8Array | string) => Buffer.from(bytes).toString('base64url')
const bytes = (size: number) => fc.uint8Array({ minLength: size, maxLength: size })

function secrets({ secretTypes, secretProperties = [] }: Validator): fc.Arbitrary<Secret> {
  const value = fc.oneof(
    fc.string(),
    fc.string().map((text) => `${CANARY}${text}`),
    bytes(32).map(base64),
    bytes(64).map(base64),
    bytes(20).map((some) => Buffer.from(some).toString('hex')),
    fc.json(),
    fc.uint8Array().map((some) => `-----BEGIN CERTIFICATE-----\n${base64(some)}\n`),
    fc.json().map((json) => json.replaceAll('"', "'")),
    fc
      .record({
        kty: fc.constantFrom('RSA', 'EC', 'OKP', 'oct'),
        n: fc.base64String(),
        d: fc.constant(CANARY),
      })
      .map((members) => JSON.stringify(members)),
  )
  const properties = fc.dictionary(
    fc.oneof(fc.constantFrom('', ...secretProperties), fc.string()),
    fc.jsonValue(),
  )
  return fc
    .tuple(fc.constantFrom(...secretTypes), value, fc.oneof(fc.constant({}), properties))
    .map(([type, text, more]) => {
      return aSecret(type, PUBLIC.test(type) ? text.replaceAll(CANARY, 'example') : text, more)
    })
}

const evidence: { readonly [K in CredentialKind]: fc.Arbitrary<CredentialKinds[K]> } = {
  shared_secret: fc.string().map((text) => ({ secret: `${text}${CANARY}` })),
  certificate: fc
    .record({ notAfter: fc.date(), notBefore: fc.date() })
    .map((dates) => ({ peer: aPeer(dates) })),
  nothing: fc.constant({}),
  get federated_assertion() {
    const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe'
    return this.jwt_assertion.map((one) => ({ ...one, assertionType }))
  },
  jwt_assertion: fc.oneof(
    fc.string().map((text) => ({ assertion: `${CANARY}${text}` })),
    fc
      .tuple(
        fc.record({
          alg: fc.oneof(fc.constantFrom('ES256', 'RS256', 'EdDSA', 'none', 'HS256'), fc.string()),
          typ: fc.constantFrom(undefined, 'JWT', 'at+jwt'),
        }),
        fc.oneof(
          fc.json().map((json) => json),
          fc.constant('{"iss":"orders","sub":"orders"}'),
        ),
        fc.uint8Array({ minLength: 1, maxLength: 256 }),
      )
      .map(([header, payload, signature]) => ({
        assertion: [JSON.stringify(header), payload, signature].map(base64url).join('.'),
      })),
  ),
}

function credentials({ accepts }: Validator): fc.Arbitrary<Credential> {
  return evidence[accepts].map((some) => {
    const credential: unknown = Object.assign({ kind: accepts, claimedClientId: 'orders' }, some)
    // One kind goes with its own evidence, which the type of a computed member cannot say.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    return credential as Credential
  })
}
