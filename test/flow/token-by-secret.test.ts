import test from 'ava'
import { decodeJwt, decodeProtectedHeader } from 'jose'

import { secretClient, sha256 } from '../support/clients.ts'
import { basic, rawBasic } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import {
  assertRefused,
  GRANT,
  INVALID_CLIENT,
  INVALID_REQUEST,
  TOKEN,
  tokenOf,
  tokenRequest,
} from '../support/token-request.ts'

const SECRET = 'a generated secret of the first client'
/** Its two readings differ in every way that they can. */
const TRICKY = 'p+q%41 r&:=s'
const LONG = 'x'.repeat(101)

const running = sharedSidecar(test, {
  clients: [
    secretClient('batch', SECRET),
    secretClient('strict', TRICKY),
    secretClient('raw', TRICKY, { basicDecoding: 'raw' }),
    secretClient('either', TRICKY, { basicDecoding: 'either' }),
    secretClient('cl+ i:ént', 'sé+cret'),
    secretClient('long', LONG),
  ],
  resources: [{ name: 'orders', scopes: ['read', 'write'] }],
})

test('a client gets a token by a secret in the Basic header', async (t) => {
  const answer = await running().send(
    tokenRequest({ headers: { authorization: basic('batch', SECRET) } }),
  )
  t.is(answer.status, 200, answer.text)
  t.is(answer.headers['content-type'], 'application/json; charset=UTF-8')
  t.is(answer.headers['cache-control'], 'no-store')
  t.is(answer.headers['pragma'], 'no-cache')
  const { access_token: token, ...rest } = answer.json<{ access_token: string }>()
  t.deepEqual(rest as unknown, { expires_in: 3600, token_type: 'Bearer', scope: 'read write' })
  t.like(decodeProtectedHeader(token), { alg: 'ES256', typ: 'at+jwt' })
  const claims = decodeJwt(token)
  t.like(claims, {
    iss: running().issuer,
    sub: 'batch',
    client_id: 'batch',
    aud: 'orders',
    scope: 'read write',
  })
  t.is((claims.exp ?? 0) - (claims.iat ?? 0), 3600)
})

test('a client gets a token by a secret in the body', async (t) => {
  const form = { client_id: 'batch', client_secret: SECRET }
  const token = tokenOf(t, await running().send(tokenRequest({ form })))
  t.is(decodeJwt(token)['client_id'], 'batch')
})

test('the API is called with the token, and is told who called', async (t) => {
  const form = { client_id: 'batch', client_secret: SECRET, scope: 'read' }
  const token = tokenOf(t, await running().send(tokenRequest({ form })))
  const answer = await running().send({
    path: '/orders/1?x=%20',
    headers: { authorization: `Bearer ${token}`, 'x-client-id': 'somebody else' },
  })
  t.is(answer.status, 200)
  t.is(answer.text, 'upstream says hello')
  const arrivals = running().arrivedOf(answer)
  t.is(arrivals.length, 1)
  const [arrived] = arrivals
  t.is(arrived?.url, '/orders/1?x=%20')
  t.is(arrived?.headers['x-client-id'], 'batch')
  t.is(arrived?.headers['x-client-scopes'], 'read')
  t.is(arrived?.headers['x-client-auth-method'], 'bearer')
  t.is(arrived?.headers['authorization'], undefined)
})

for (const scheme of ['basic', 'BASIC', 'bAsIc']) {
  test(`the scheme may be written ${scheme}`, async (t) => {
    const authorization = basic('batch', SECRET).replace('Basic', scheme)
    tokenOf(t, await running().send(tokenRequest({ headers: { authorization } })))
  })
}

test('an id and a secret of any characters arrive form-encoded', async (t) => {
  const headers = { authorization: basic('cl+ i:ént', 'sé+cret') }
  const token = tokenOf(t, await running().send(tokenRequest({ headers })))
  t.is(decodeJwt(token)['client_id'], 'cl+ i:ént')
})

const READINGS = { 'form-encoded': basic, 'as it stands': rawBasic } as const

for (const [client, sent, accepted] of [
  ['strict', 'form-encoded', true],
  ['strict', 'as it stands', false],
  ['raw', 'form-encoded', false],
  ['raw', 'as it stands', true],
  ['either', 'form-encoded', true],
  ['either', 'as it stands', true],
] as const) {
  const outcome = accepted ? 'is known' : 'is refused'
  test(`a client read "${client}" that sends its secret ${sent} ${outcome}`, async (t) => {
    const headers = { authorization: READINGS[sent](client, TRICKY) }
    const answer = await running().send(tokenRequest({ headers }))
    if (accepted) {
      tokenOf(t, answer)
      return
    }
    assertRefused(t, running(), answer, {
      ...INVALID_CLIENT,
      reason: 'basic-decoding',
      line: { claimedClient: client, want: client, parser: 'parsers/client-secret-basic' },
    })
    t.regex(String(running().refusalOf(answer)?.['hint']), /basicDecoding: either/)
  })
}

for (const [what, authorization, reason] of [
  ['nothing after the scheme', 'Basic', 'basic-malformed-base64'],
  ['no base64', 'Basic somerandomdata', 'basic-malformed-base64'],
  ['something after the base64', `${basic('batch', SECRET)}!`, 'basic-malformed-base64'],
  ['no padding', basic('batch', `${SECRET}xx`).replace(/=+$/, ''), 'basic-malformed-base64'],
  ['no colon', `Basic ${Buffer.from('batch').toString('base64')}`, 'basic-without-colon'],
  ['an empty id', rawBasic('', SECRET), 'basic-empty-id'],
  ['an empty secret', rawBasic('batch', ''), 'basic-empty-secret'],
  ['a control character', rawBasic('batch', 'a\u0007b'), 'basic-control-characters'],
  [
    'Latin-1 under the base64',
    `Basic ${Buffer.from('clïent:x', 'latin1').toString('base64')}`,
    'basic-malformed-utf8',
  ],
  ['an id over the limit', basic('i'.repeat(101), SECRET), 'basic-id-too-long'],
  ['a secret over the limit', basic('long', LONG), 'basic-secret-too-long'],
] as const) {
  test(`a Basic header with ${what} is malformed`, async (t) => {
    const answer = await running().send(tokenRequest({ headers: { authorization } }))
    assertRefused(t, running(), answer, { ...INVALID_REQUEST, reason })
  })
}

for (const [what, form, expected] of [
  [
    'no client id',
    { client_secret: SECRET },
    { ...INVALID_REQUEST, reason: 'post-without-client-id' },
  ],
  [
    'a secret over the limit',
    { client_id: 'long', client_secret: LONG },
    { ...INVALID_REQUEST, reason: 'post-secret-too-long' },
  ],
  [
    'an id over the limit',
    { client_id: LONG, client_secret: SECRET },
    { ...INVALID_REQUEST, reason: 'post-id-too-long' },
  ],
  [
    'a control character',
    { client_id: 'batch', client_secret: 'a\u0000b' },
    { ...INVALID_REQUEST, reason: 'post-control-characters' },
  ],
  [
    'an empty secret',
    { client_id: 'batch', client_secret: '' },
    { ...INVALID_CLIENT, reason: 'no-credentials' },
  ],
  ['no secret', { client_id: 'batch' }, { ...INVALID_CLIENT, reason: 'no-credentials' }],
  ['nothing at all', {}, { ...INVALID_CLIENT, reason: 'no-credentials' }],
  [
    'a wrong secret',
    { client_id: 'batch', client_secret: 'wrong' },
    {
      ...INVALID_CLIENT,
      reason: 'secret-mismatch',
      line: {
        claimedClient: 'batch',
        parser: 'parsers/client-secret-post',
        considered: [
          { secret: 'secret of batch', type: 'SharedSecret', reason: 'secret-mismatch' },
        ],
      },
    },
  ],
  [
    'the stored hash for a secret',
    { client_id: 'batch', client_secret: sha256(SECRET) },
    { ...INVALID_CLIENT, reason: 'secret-mismatch' },
  ],
  [
    'the id of another case',
    { client_id: 'Batch', client_secret: SECRET },
    { ...INVALID_CLIENT, reason: 'client-unknown', line: { claimedClient: 'Batch' } },
  ],
] as const) {
  test(`a form with ${what} is refused`, async (t) => {
    const answer = await running().send({ path: TOKEN, form: { ...GRANT, ...form } })
    assertRefused(t, running(), answer, expected)
  })
}

test('without a credential the log says what each parser saw', async (t) => {
  const answer = await running().send(tokenRequest({ form: { client_id: 'batch' } }))
  t.like(running().refusalOf(answer), {
    claimedClient: 'batch',
    parsers: {
      'parsers/client-secret-basic': 'nothing',
      'parsers/client-secret-post': 'nothing',
      'parsers/private-key-jwt': 'nothing',
      'parsers/tls-client-certificate': 'nothing',
    },
  })
})
