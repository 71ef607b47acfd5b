import test from 'ava'
import * as fc from 'fast-check'

import federated from '../../../plugins/parsers/federated-jwt.ts'
import privateKey from '../../../plugins/parsers/private-key-jwt/index.ts'
import { aForm, aRequest } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'
import { JWT_BEARER, JWT_SPIFFE } from '../../support/workload-issuer.ts'

const parser = await setUp(federated)
const other = await setUp(privateKey)

const ISS = 'https://kubernetes.default.svc'
const ACCOUNT = 'system:serviceaccount:shop:orders'
const SPIFFE = 'spiffe://example.org/orders'

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwt = (claims: unknown) => `${part({ alg: 'ES256' })}.${part(claims)}.c2ln`

function form(claims: unknown, type = JWT_BEARER, more = {}) {
  return aForm({ client_assertion: jwt(claims), client_assertion_type: type, ...more })
}

test('a token of an issuer about somebody else is found by issuer and subject', (t) => {
  t.deepEqual(parser.parse(form({ iss: ISS, sub: ACCOUNT })), {
    kind: 'federated_assertion',
    assertion: jwt({ iss: ISS, sub: ACCOUNT }),
    assertionType: JWT_BEARER,
    lookupKeys: [`subject:${JSON.stringify([ISS, ACCOUNT])}`],
  })
})

test('a JWT-SVID is found by its SPIFFE ID, with and without an issuer', (t) => {
  for (const claims of [{ sub: SPIFFE }, { iss: ISS, sub: SPIFFE }, { iss: SPIFFE, sub: SPIFFE }]) {
    t.like(parser.parse(form(claims, JWT_SPIFFE)), {
      kind: 'federated_assertion',
      assertionType: JWT_SPIFFE,
      lookupKeys: [`spiffe-id:${SPIFFE}`],
    })
  }
})

test('the client of the form is the one that is claimed', (t) => {
  const more = { client_id: 'orders' }
  for (const request of [
    form({ iss: ISS, sub: ACCOUNT }, JWT_BEARER, more),
    form({ sub: SPIFFE }, JWT_SPIFFE, more),
  ]) {
    t.like(parser.parse(request), { claimedClientId: 'orders' })
  }
  t.like(parser.parse(form({ sub: SPIFFE }, JWT_SPIFFE, { client_id: 'c'.repeat(101) })), {
    malformed: 'client-id-too-long',
  })
})

test('what a client signs itself is left to the other parser', (t) => {
  for (const claims of [
    { iss: 'orders', sub: 'orders' },
    { iss: ISS, sub: ISS },
    { iss: 'billing', sub: 'orders' },
    { iss: 'http://plain.example', sub: 'orders' },
    { sub: 'orders' },
    { iss: ISS },
    { iss: [ISS], sub: 'orders' },
  ]) {
    t.is(parser.parse(form(claims)), undefined, JSON.stringify(claims))
    t.like(other.parse(form(claims)), { kind: 'jwt_assertion' }, JSON.stringify(claims))
  }
})

const names = fc.oneof(
  fc.constantFrom(ISS, 'orders', SPIFFE, ACCOUNT, '', 'HTTPS://x', 'https://'),
  fc.webUrl({ validSchemes: ['https', 'http'] }),
  fc.jsonValue(),
)

test('no assertion belongs to both parsers, and none of either type to neither', (t) => {
  const property = fc.property(
    fc.record({ iss: names, sub: names }, { requiredKeys: [] }),
    fc.constantFrom(JWT_BEARER, JWT_SPIFFE),
    (claims, type) => {
      const mine = parser.parse(form(claims, type))
      const theirs = other.parse(form(claims, type))
      return (mine === undefined) !== (theirs === undefined)
    },
  )
  fc.assert(property, { numRuns: 2000 })
  t.pass()
})

test('what is no JWT is malformed for one parser only', (t) => {
  for (const assertion of ['', 'x', 'a.b.c', `${part({})}.${part({})}.`]) {
    const of = (type: string) => aForm({ client_assertion: assertion, client_assertion_type: type })
    t.is(parser.parse(of(JWT_BEARER)), undefined)
    t.true('malformed' in (other.parse(of(JWT_BEARER)) ?? {}), assertion)
    t.true('malformed' in (parser.parse(of(JWT_SPIFFE)) ?? {}), assertion)
    t.is(other.parse(of(JWT_SPIFFE)), undefined)
  }
})

for (const [what, claims, malformed] of [
  ['without a subject', {}, 'jwt-sub'],
  ['with a subject that is a number', { sub: 1 }, 'jwt-sub'],
  ['with a long subject', { sub: `spiffe://a/${'b'.repeat(2048)}` }, 'jwt-sub-too-long'],
] as const) {
  test(`a JWT-SVID is malformed ${what}`, (t) => {
    t.like(parser.parse(form(claims, JWT_SPIFFE)), { malformed })
  })
}

test('a claim that occurs twice is malformed', (t) => {
  const twice = Buffer.from(`{"sub":"${SPIFFE}","sub":"spiffe://b/c"}`).toString('base64url')
  const request = aForm({
    client_assertion: `${part({})}.${twice}.c2ln`,
    client_assertion_type: JWT_SPIFFE,
  })
  t.like(parser.parse(request), { malformed: 'jwt-malformed' })
})

test('an assertion over the limit is not looked into', async (t) => {
  const narrow = await setUp(federated, { maxLength: 256 })
  const claims = { sub: SPIFFE, more: 'm'.repeat(256) }
  t.like(narrow.parse(form(claims, JWT_SPIFFE)), { malformed: 'jwt-too-long' })
})

test('without an assertion of a type of its own a request is not its own', (t) => {
  t.is(parser.parse(aRequest()), undefined)
  t.is(parser.parse(form({ iss: ISS, sub: ACCOUNT }, 'urn:example:type')), undefined)
})
