import test from 'ava'

import plugin from '../../../plugins/parsers/private-key-jwt/index.ts'
import { aForm } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const parser = await setUp(plugin)

function part(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString(
    'base64url',
  )
}

function jws(header: unknown, payload: unknown): string {
  return `${part(header)}.${part(payload)}.c2ln`
}

function read(client_assertion: string, client_assertion_type = TYPE, from = parser) {
  return from.parse(aForm({ client_assertion, client_assertion_type }))
}

const GOOD = jws({ alg: 'ES256' }, { iss: 'orders', sub: 'orders' })

test('sub says whose assertion it is', (t) => {
  t.deepEqual(read(GOOD), { kind: 'jwt_assertion', assertion: GOOD, claimedClientId: 'orders' })
})

test('an assertion without a text as sub claims nobody', (t) => {
  for (const payload of [{}, { sub: null }, { sub: 5 }, { sub: ['orders'] }, { iss: 'orders' }]) {
    const assertion = jws({ alg: 'ES256' }, payload)
    t.deepEqual(read(assertion), { kind: 'jwt_assertion', assertion, lookupKeys: [] })
  }
})

test('one of the two parameters alone is malformed', (t) => {
  t.like(parser.parse(aForm({ client_assertion: GOOD })), { malformed: 'assertion-type-missing' })
  t.like(parser.parse(aForm({ client_assertion: GOOD, client_assertion_type: '' })), {
    malformed: 'assertion-type-missing',
  })
  t.like(parser.parse(aForm({ client_assertion_type: TYPE })), { malformed: 'assertion-missing' })
})

test('the name of the grant in place of the type is refused with a hint', (t) => {
  t.like(read(GOOD, 'urn:ietf:params:oauth:grant-type:jwt-bearer'), {
    malformed: 'assertion-type-wrong',
    hint: 'the client sends the name of the grant; client_assertion_type has one of its own',
  })
})

for (const type of ['jwt-bearer', 'jwt', TYPE.toUpperCase(), `${TYPE} `.replace('-b', '_b').trim()])
  test(`the type "${type}" is refused`, (t) => {
    t.like(read(GOOD, type), { malformed: 'assertion-type-wrong', want: TYPE })
  })

test('an assertion of another type is left to other parsers', (t) => {
  t.is(read(GOOD, 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer'), undefined)
  t.is(read(GOOD, 'https://example.com/assertion'), undefined)
})

const DEEP = `{"sub":"orders","a":${'['.repeat(5000)}${']'.repeat(5000)}}`

for (const [what, assertion, got] of [
  ['nothing like a token', 'malformed', 'parts: 1'],
  ['two parts', 'a.b', 'parts: 2'],
  ['four parts', `${GOOD}.c2ln`, 'parts: 4'],
  ['an encrypted token', `${GOOD}.a.b`, 'five parts: an encrypted token'],
  ['many parts', `${GOOD}.a.b.c.d`, 'parts: more than 5'],
  ['dots', '.'.repeat(51_200), 'parts: more than 5'],
  ['no header', '.eyJzdWIiOiJ4In0.c2ln', 'header: not UTF-8 JSON'],
  ['no signature', GOOD.slice(0, -4), 'no signature'],
  ['neither header nor signature', '.eyJzdWIiOiJ4In0.', 'no signature'],
  ['an array as header', jws([], {}), 'header: not a JSON object'],
  ['a text as header', jws('"ES256"', {}), 'header: not a JSON object'],
  ['a number as header', jws(5, {}), 'header: not a JSON object'],
  ['null as header', jws(null, {}), 'header: not a JSON object'],
  ['an array as payload', jws({}, []), 'payload: not a JSON object'],
  ['a payload that is no JSON', jws({}, '{sub:1}'), 'payload: not UTF-8 JSON'],
  ['a payload behind a byte order mark', jws({}, '\ufeff{}'), 'payload: not UTF-8 JSON'],
  ['padding', `${part({})}.${part({})}=.c2ln`, 'payload: not base64url'],
  ['base64 with the other alphabet', `${part({})}.+/==.c2ln`, 'payload: not base64url'],
  ['line breaks', `${part({})}\n.${part({})}.c2ln`, 'header: not base64url'],
  ['bytes that are no UTF-8', `${part({})}.e_9.c2ln`, 'payload: not base64url'],
  [
    'a header member twice',
    jws('{"alg":"ES256","alg":"none"}', {}),
    'header: a member name that occurs twice: alg',
  ],
  [
    'a claim twice',
    jws({}, '{"sub":"orders","iss":"a","sub":"billing"}'),
    'payload: a member name that occurs twice: sub',
  ],
  [
    'a claim twice, once escaped',
    jws({}, '{"sub":"orders","\\u0073ub":"billing"}'),
    'payload: a member name that occurs twice: sub',
  ],
  [
    'a member twice further in',
    jws({}, '{"sub":"orders","cnf":[{"a":1, "a" :2}]}'),
    'payload: a member name that occurs twice: a',
  ],
  [
    'a claim twice, around an object',
    jws({}, '{"sub":"orders","cnf":{"x":[]},"sub":"billing"}'),
    'payload: a member name that occurs twice: sub',
  ],
  ['deep nesting', jws({}, DEEP), 'payload: deeper than 16 levels'],
] as const)
  test(`${what}: malformed`, (t) => {
    t.like(read(assertion), { malformed: 'jwt-malformed', got })
  })

test('equal names in different objects, and in texts, are no duplicates', (t) => {
  const payload = '{"sub":"a\\"sub\\":{","cnf":{"sub":1,"x":{"sub":2}},"list":[{"a":1},{"a":2}]}'
  t.like(read(jws({}, payload)), { claimedClientId: 'a"sub":{' })
})

test('many objects side by side are no deep nesting', (t) => {
  const list = Array.from({ length: 100 }, () => ({ a: [{}] }))
  t.like(read(jws({}, { sub: 'orders', list })), { claimedClientId: 'orders' })
})

test('an assertion over the limit is not looked into', async (t) => {
  t.like(read('.'.repeat(1_000_000)), { malformed: 'jwt-too-long', got: '1000000 characters' })
  const narrow = await setUp(plugin, { maxLength: 256 })
  const long = jws({ kid: 'k'.repeat(256) }, {})
  t.like(read(long, TYPE, narrow), { malformed: 'jwt-too-long' })
  t.like(read(long), { kind: 'jwt_assertion' })
})

test('a sub over the limit is refused', (t) => {
  t.like(read(jws({}, { sub: 's'.repeat(100) })), { kind: 'jwt_assertion' })
  t.like(read(jws({}, { sub: 's'.repeat(101) })), { malformed: 'jwt-sub-too-long' })
})
