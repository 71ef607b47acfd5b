import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { basic } from '../support/send.ts'
import type { SendOptions } from '../support/send.ts'
import { sendRaw } from '../support/send-raw.ts'
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

const SECRET = 'a generated secret'
const AUTHORIZATION = basic('batch', SECRET)
const headers = { authorization: AUTHORIZATION }
const FORM = 'application/x-www-form-urlencoded'

const running = sharedSidecar(test, {
  clients: [
    secretClient('batch', SECRET),
    secretClient('no grant', SECRET, { allowedGrantTypes: [] }),
    secretClient('other grant', SECRET, { allowedGrantTypes: ['authorization_code'] }),
  ],
})

function post(body: string, more: SendOptions['headers'] = {}): SendOptions {
  return { path: TOKEN, body, headers: { ...headers, 'content-type': FORM, ...more } }
}

const GOOD = 'grant_type=client_credentials'

for (const [what, request] of [
  ['with a charset parameter', post(GOOD, { 'content-type': `${FORM}; charset=utf-8` })],
  ['with its type in capitals', post(GOOD, { 'content-type': FORM.toUpperCase() })],
  ['without a length', { ...post(GOOD), chunked: true }],
  ['with a parameter that has no value', post(`${GOOD}&scope=&client_id=`)],
  ['with a parameter that nobody knows', post(`${GOOD}&foo=bar&audience=x`)],
  ['with an empty query', { ...post(GOOD), path: `${TOKEN}?` }],
] as const) {
  test(`a form is read ${what}`, async (t) => {
    tokenOf(t, await running().send(request))
  })
}

for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
  test(`a token cannot be asked for by ${method}`, async (t) => {
    const answer = await running().send({ ...post(GOOD), method })
    assertRefused(t, running(), answer, { ...INVALID_REQUEST, reason: 'not-post' })
  })
}

for (const [what, request, reason] of [
  ['of another type', post('{}', { 'content-type': 'application/json' }), 'not-a-form'],
  ['of plain text', post(GOOD, { 'content-type': 'text/plain' }), 'not-a-form'],
  ['in parts', post(GOOD, { 'content-type': 'multipart/form-data; boundary=x' }), 'not-a-form'],
  ['of a type that only begins so', post(GOOD, { 'content-type': `${FORM}x` }), 'not-a-form'],
  ['of no type', { path: TOKEN, body: GOOD, headers }, 'not-a-form'],
  ['in a coding', post(GOOD, { 'content-encoding': 'gzip' }), 'encoded-form'],
  ['with a parameter twice', post(`${GOOD}&${GOOD}`), 'repeated-parameter'],
  ['with a parameter twice, once empty', post(`${GOOD}&scope=&scope=read`), 'repeated-parameter'],
  ['with a malformed escape', post(`${GOOD}&scope=%zz`), 'form-bad-escape'],
  ['with bytes that are no UTF-8', post(`${GOOD}&scope=%ff`), 'form-not-utf8'],
  ['with 51 parameters', post(fields(51)), 'too-many-parameters'],
  ['and a query', { ...post(GOOD), path: `${TOKEN}?x=1` }, 'query-on-token-endpoint'],
  [
    'and its secret in the query',
    { ...tokenRequest(), path: `${TOKEN}?client_id=batch&client_secret=secret` },
    'query-on-token-endpoint',
  ],
] as const) {
  test(`a body ${what} is refused`, async (t) => {
    assertRefused(t, running(), await running().send(request), { ...INVALID_REQUEST, reason })
  })
}

function fields(count: number): string {
  return Array.from({ length: count }, (_, index) => `f${index}=x`).join('&')
}

for (const [what, body] of [
  ['a little over the limit', `${GOOD}&x=${'x'.repeat(65_536)}`],
  ['far over the limit', `${GOOD}&x=${'x'.repeat(8_000_000)}`],
] as const) {
  for (const chunked of [false, true]) {
    test(`a form ${what} is refused as too large${chunked ? ', without a length too' : ''}`, async (t) => {
      const answer = await running().send({ ...post(body), chunked })
      assertRefused(t, running(), answer, {
        status: 413,
        error: 'invalid_request',
        reason: 'form-too-large',
      })
      t.is(answer.headers['connection'], 'close')
    })
  }
}

for (const [name, value] of [
  ['authorization', AUTHORIZATION],
  ['content-type', FORM],
] as const) {
  test(`the header ${name} twice is refused, though both say the same`, async (t) => {
    const request = post(GOOD, { [name]: [value, value] })
    assertRefused(t, running(), await running().send(request), {
      ...INVALID_REQUEST,
      reason: 'repeated-header',
      line: { got: name },
    })
  })
}

test('a header over the limit is refused before anything is read', async (t) => {
  const answer = await sendRaw(
    running().port,
    running().pki.rootCa.pem,
    `POST ${TOKEN} HTTP/1.1\r\nHost: localhost\r\nX-Huge: ${'x'.repeat(17_000)}\r\n\r\n`,
  )
  t.regex(answer, /^HTTP\/1\.1 431 /)
})

for (const [what, authorization] of [
  ['of a scheme that is not for this', 'Bearer foo'],
  ['of a scheme that nobody knows', 'Unheard of'],
  ['that is empty', ''],
] as const) {
  test(`an Authorization header ${what} is refused`, async (t) => {
    const answer = await running().send(post(GOOD, { authorization }))
    assertRefused(t, running(), answer, { ...INVALID_REQUEST, reason: 'credential-unread' })
  })
}

for (const [what, clientId, form, error, reason] of [
  ['without a grant type', 'batch', {}, 'invalid_request', 'grant-type-missing'],
  [
    'for a grant type that nobody knows',
    'batch',
    { grant_type: 'x'.repeat(200) },
    'unsupported_grant_type',
    'grant-type-unsupported',
  ],
  [
    'for the grant of a user',
    'other grant',
    { grant_type: 'authorization_code' },
    'unsupported_grant_type',
    'grant-type-unsupported',
  ],
  ['for no grant', 'no grant', GRANT, 'unauthorized_client', 'grant-type-not-allowed'],
  ['for another grant', 'other grant', GRANT, 'unauthorized_client', 'grant-type-not-allowed'],
] as const) {
  test(`a client ${what} is refused: ${error}`, async (t) => {
    const authorization = basic(clientId, SECRET)
    const answer = await running().send({ path: TOKEN, form, headers: { authorization } })
    assertRefused(t, running(), answer, { status: 400, error, reason, line: { client: clientId } })
  })
}

test('who the client is comes before what it asks for', async (t) => {
  const authorization = basic('batch', 'wrong')
  const answer = await running().send({
    path: TOKEN,
    form: { grant_type: 'unknown', scope: 'unknown' },
    headers: { authorization },
  })
  assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'secret-mismatch' })
})

test('every answer forbids caching, is JSON and carries its id', async (t) => {
  const requests = [
    post(GOOD),
    post('grant_type=unknown'),
    post(GOOD, { authorization: basic('batch', 'wrong') }),
    { path: TOKEN },
    post('{}', { 'content-type': 'application/json' }),
  ]
  for (const request of requests) {
    const answer = await running().send(request)
    t.is(answer.headers['cache-control'], 'no-store', answer.text)
    t.is(answer.headers['pragma'], 'no-cache')
    t.is(answer.headers['content-type'], 'application/json; charset=UTF-8')
    t.regex(String(answer.headers['x-request-id']), /^[0-9a-f-]{36}$/)
    t.is(answer.headers['x-powered-by'], undefined)
    t.notThrows(() => answer.json())
  }
})

test('a refused client is challenged with the scheme that it may use, others are not', async (t) => {
  const wrong = await running().send(post(GOOD, { authorization: basic('batch', 'wrong') }))
  t.is(wrong.headers['www-authenticate'], 'Basic realm="vouchgate"')
  const grant = await running().send(post('grant_type=unknown'))
  t.is(grant.headers['www-authenticate'], undefined)
})

test('a path that is another but looks like the endpoint is the API’s', async (t) => {
  for (const path of [`${TOKEN}/`, '/Connect/token', '/connect/token.json', '/connect']) {
    const answer = await running().send({ ...post(GOOD), path })
    t.is(answer.text, 'upstream says hello', path)
    t.is(running().arrivedOf(answer).length, 1)
  }
})

test('a body that ends before its length is up is no request', async (t) => {
  const before = running().refusals().length
  await sendRaw(
    running().port,
    running().pki.rootCa.pem,
    Buffer.from(
      `POST ${TOKEN} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n` +
        `Content-Type: ${FORM}\r\nContent-Length: 10\r\n\r\ngrant_type=client_credentials`,
    ),
  )
  t.true(running().refusals().length > before)
})
