import { once } from 'node:events'
import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { generateKeyPairSync } from 'node:crypto'
import path from 'node:path'

import test from 'ava'
import type { ExecutionContext } from 'ava'
import { SignJWT } from 'jose'

import type { Verdict } from '#contract'

import plugin from '../../../plugins/validators/private-key-jwt/index.ts'
import { aHost, anAttempt, aSecret, ISSUER } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'
import { pki } from '../../support/pki.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

type Answer = string | ((request: IncomingMessage, response: ServerResponse) => void)

const newKey = (kid?: string) => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return { privateKey, kid, jwk: { ...publicKey.export({ format: 'jwk' }), ...(kid && { kid }) } }
}

const setOf = (...keys: readonly { jwk: object }[]) =>
  JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })

async function publisher(t: ExecutionContext, first: Answer) {
  const { server, rootCa } = await pki()
  const state = { answer: first, asked: 0 }
  const https = createServer({ cert: server.cert, key: server.key }, (request, response) => {
    state.asked++
    if (typeof state.answer === 'string') response.end(state.answer)
    else state.answer(request, response)
  })
  https.listen(0, '127.0.0.1')
  await once(https, 'listening')
  t.teardown(() => {
    https.closeAllConnections()
    https.close()
  })
  const host = `localhost:${(https.address() as AddressInfo).port}`
  const folder = temporaryFolder(t, { 'ca.crt': rootCa.pem })
  const resolve = (file: string) => path.join(folder, file)
  const options = { hosts: [host], ca: 'ca.crt', timeout: '1s', minInterval: '30s', maxAge: '10m' }
  const validator = await setUp(plugin, { jwksUri: options }, aHost({ resolve }))
  return Object.assign(state, { host, url: `https://${host}/jwks`, options, resolve, validator })
}

type Publisher = Awaited<ReturnType<typeof publisher>>

async function ask(
  { validator, url }: Pick<Publisher, 'validator' | 'url'>,
  key: ReturnType<typeof newKey>,
  now = Date.now(),
): Promise<Verdict> {
  const seconds = Math.floor(now / 1000)
  const payload = { iss: 'orders', sub: 'orders', aud: ISSUER, jti: 'j', exp: seconds + 60 }
  const assertion = await new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', ...(key.kid !== undefined && { kid: key.kid }) })
    .sign(key.privateKey)
  const secret = aSecret('JWKSUri', url)
  const attempt = anAttempt({ kind: 'jwt_assertion', assertion }, [secret], { now: new Date(now) })
  return validator.validate(attempt)
}

const UNKNOWN = { ok: false, reason: 'jwt-kid-unknown' } as const
const UNAVAILABLE = { ok: false, reason: 'jwks-unavailable' } as const

test('the keys that a client publishes are fetched once and count for a while', async (t) => {
  const key = newKey('a')
  const published = await publisher(t, setOf(key))
  t.like(await ask(published, key), { ok: true })
  t.like(await ask(published, key), { ok: true })
  t.is(published.asked, 1)
})

test('a key id that is unknown leads to another fetch, but not too often', async (t) => {
  const [old, next, stranger] = [newKey('old'), newKey('next'), newKey('x')]
  const published = await publisher(t, setOf(old))
  const now = Date.now()
  t.like(await ask(published, old, now), { ok: true })
  published.answer = setOf(old, next)
  t.like(await ask(published, next, now + 1000), UNKNOWN)
  t.is(published.asked, 1)
  t.like(await ask(published, next, now + 31_000), { ok: true })
  t.is(published.asked, 2)
  const many = Array.from({ length: 20 }, (_, index) =>
    ask(published, stranger, now + 32_000 + index),
  )
  for (const verdict of await Promise.all(many)) t.like(verdict, UNKNOWN)
  t.is(published.asked, 2)
})

test('a hundred who ask at once make one fetch', async (t) => {
  const key = newKey('a')
  const published = await publisher(t, setOf(key))
  const now = Date.now()
  const verdicts = await Promise.all(Array.from({ length: 100 }, () => ask(published, key, now)))
  t.true(verdicts.every(({ ok }) => ok))
  t.is(published.asked, 1)
})

test('a key that is no longer published counts no more', async (t) => {
  const [old, next] = [newKey('old'), newKey('next')]
  const published = await publisher(t, setOf(old))
  const now = Date.now()
  t.like(await ask(published, old, now), { ok: true })
  published.answer = setOf(next)
  const later = now + 11 * 60_000
  // The set at hand serves while the next one is fetched.
  t.like(await ask(published, old, later), { ok: true })
  while ((await ask(published, old, later)).ok) t.pass()
  t.like(await ask(published, old, later), UNKNOWN)
})

test('the last good set counts through an outage, after a reload too, and not for ever', async (t) => {
  const key = newKey('a')
  const published = await publisher(t, setOf(key))
  const now = Date.now()
  t.like(await ask(published, key, now), { ok: true })
  published.answer = (_, response) => response.destroy()
  const again = await setUp(
    plugin,
    { jwksUri: published.options },
    aHost({ resolve: published.resolve }),
  )
  const reloaded = { ...published, validator: again }
  t.like(await ask(reloaded, key, now + 3_600_000), { ok: true })
  t.like(await ask(reloaded, key, now + 25 * 3_600_000), UNAVAILABLE)
})

for (const [what, answer] of [
  ['is not there', (_, response) => response.writeHead(404).end()],
  [
    'leads elsewhere',
    (request, response) => {
      const location = `https://${request.headers.host}/good`
      if (request.url === '/good') response.end(setOf(newKey('a')))
      else response.writeHead(302, { location }).end()
    },
  ],
  ['is no JSON', '<html>'],
  ['is no set', '{"keys": 5}'],
  ['is huge', ' '.repeat(300_000)],
  ['has weak keys only', JSON.stringify({ keys: [{ kty: 'RSA', n: 'AQAB', e: 'AQAB' }] })],
  ['has no keys', '{"keys": []}'],
  [
    'breaks off',
    (_, response) =>
      response.writeHead(200, { 'content-length': 9 }).write('{', () => response.destroy()),
  ],
] as const satisfies readonly (readonly [string, Answer])[]) {
  test(`a set that ${what} lets nobody in`, async (t) => {
    const published = await publisher(t, answer)
    t.like(await ask(published, newKey('a')), UNAVAILABLE)
  })
}

test('a publisher that never answers keeps nobody waiting for long', async (t) => {
  const published = await publisher(t, () => undefined)
  t.like(await ask(published, newKey('a')), UNAVAILABLE)
})

test('keys that cannot be used do not spoil those that can', async (t) => {
  const key = newKey('a')
  const weak = { jwk: { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'w' } }
  const published = await publisher(t, setOf(weak, key, { jwk: { kty: 'oct', k: 'AAAA' } }))
  t.like(await ask(published, key), { ok: true })
})

test('a certificate that nobody vouches for is not talked to', async (t) => {
  const key = newKey('a')
  const published = await publisher(t, setOf(key))
  const { ca: _, ...options } = published.options
  const validator = await setUp(plugin, { jwksUri: options })
  t.like(await ask({ ...published, validator }, key), UNAVAILABLE)
  t.is(published.asked, 0)
})

test('an address is https, on a host of the list, and nothing else', async (t) => {
  const validator = await setUp(plugin, { jwksUri: { hosts: ['a.test', 'b.test:8443'] } })
  const fault = (url: string) => validator.inspect?.(aSecret('JWKSUri', url)).fault
  for (const url of ['https://a.test/jwks', 'https://A.test:443/x?y', 'https://b.test:8443/'])
    t.is(fault(url), undefined, url)
  for (const url of [
    'http://a.test/jwks',
    'https://c.test/jwks',
    'https://a.test:8443/',
    'https://b.test/',
    'https://a.test.evil.test/',
    'https://user@a.test/',
    'https://a.test/#x',
    'file:///etc/passwd',
    'a.test/jwks',
    '',
    `https://a.test/${'x'.repeat(3000)}`,
  ])
    t.truthy(fault(url), url)
})
