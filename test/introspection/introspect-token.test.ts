import test from 'ava'

import { IssuerUnavailableError } from '../../src/errors.ts'
import { introspectToken } from '../../src/introspection/introspect-token.ts'
import type { Introspection } from '../../src/introspection/introspection.ts'
import { inactive } from '../../src/introspection/introspection.ts'
import { aToken } from './build.ts'

const NOW = new Date('2026-01-01T12:00:00Z')
const OWN = 'https://us.example'
const UNKNOWN = inactive({ reason: 'token-unknown' })
const GONE = new IssuerUnavailableError('gone')

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

function jwt(claims: unknown): string {
  return `${encode({ alg: 'ES256' })}.${encode(claims)}.c2ln`
}

/** Us and three others; a and c take opaque tokens. Each answers as it is told and remembers what it was shown. */
function aRouter(answers: Readonly<Record<string, Introspection | Error>> = {}) {
  const shown: string[] = []
  const by = (name: string) => async () => {
    shown.push(name)
    const answer = answers[name] ?? UNKNOWN
    if (answer instanceof Error) throw answer
    return answer
  }
  const issuer = (name: string, opaqueTokens: boolean) => ({
    issuer: `https://${name}.example`,
    opaqueTokens,
    introspect: by(name),
  })
  const others = [issuer('a', true), issuer('b', false), issuer('c', true)]
  const introspect = introspectToken(by('own'), OWN, others)
  return { shown, introspect: (token: string) => introspect(token, NOW) }
}

test('a JWT is shown to the issuer that it names and to nobody else', async (t) => {
  for (const name of ['a', 'b', 'c']) {
    const { introspect, shown } = aRouter({ [name]: aToken() })
    t.like(await introspect(jwt({ iss: `https://${name}.example` })), { active: true })
    t.deepEqual(shown, [name])
  }
})

test('a JWT that names us, nobody, or somebody unknown is looked at by us alone', async (t) => {
  const strangers = [7, '', undefined, ['https://a.example'], { '0': 'https://a.example' }]
  const lookalikes = ['https://a.example/', 'https://A.example', 'a.example', 'http://a.example']
  for (const iss of [OWN, 'https://unknown.example', ...strangers, ...lookalikes]) {
    const { introspect, shown } = aRouter({ a: aToken() })
    t.false((await introspect(jwt({ iss }))).active)
    t.deepEqual(shown, ['own'], JSON.stringify(iss))
  }
})

test('an opaque token is looked for among ours, then at the issuers that take them, in order', async (t) => {
  const first = aRouter({ own: aToken() })
  t.true((await first.introspect('opaque')).active)
  t.deepEqual(first.shown, ['own'])
  const later = aRouter({ c: aToken() })
  t.true((await later.introspect('opaque')).active)
  t.deepEqual(later.shown, ['own', 'a', 'c'])
  const never = aRouter()
  t.deepEqual(await never.introspect('opaque'), UNKNOWN)
  t.deepEqual(never.shown, ['own', 'a', 'c'])
})

test('what has dots and is no JWT is opaque', async (t) => {
  for (const token of ['ya29.a0AfH6', 'a.b.c', `${encode({ alg: 'dir' })}.a.b.c.d`]) {
    const { introspect, shown } = aRouter({ a: aToken() })
    t.true((await introspect(token)).active)
    t.deepEqual(shown, ['own', 'a'])
  }
})

test('when one cannot say, another that knows the token settles it', async (t) => {
  const { introspect } = aRouter({ a: GONE, c: aToken() })
  t.like(await introspect('opaque'), { active: true })
})

test('when one cannot say and nobody else knows the token, nobody can say', async (t) => {
  const { introspect } = aRouter({ a: GONE })
  await t.throwsAsync(introspect('opaque'), { is: GONE })
})

test('a token of which we cannot say is shown to nobody else', async (t) => {
  const { introspect, shown } = aRouter({ own: GONE, a: aToken() })
  await t.throwsAsync(introspect('opaque'), { is: GONE })
  t.deepEqual(shown, ['own'])
})

test('a token that is too long is shown to nobody', async (t) => {
  const { introspect, shown } = aRouter({ own: aToken() })
  t.like(await introspect('x'.repeat(16 * 1024 + 1)), { refusal: { reason: 'token-too-long' } })
  t.deepEqual(shown, [])
})

test('whoever is configured under our own name does not get our tokens', async (t) => {
  const introspect = introspectToken(async () => aToken(), OWN, [
    { issuer: OWN, opaqueTokens: false, introspect: async () => UNKNOWN },
  ])
  t.like(await introspect(jwt({ iss: OWN }), NOW), { active: true })
})
