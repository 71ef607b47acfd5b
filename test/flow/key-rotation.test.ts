import { generateKeyPairSync } from 'node:crypto'

import test from 'ava'
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose'
import type { JSONWebKeySet } from 'jose'

import { secretClient } from '../support/clients.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { tokenOf, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'
const CLIENTS = [secretClient('batch', SECRET)]
const JWKS = '/.well-known/openid-configuration/jwks'
const FORM = { client_id: 'batch', client_secret: SECRET }

const pem = () =>
  generateKeyPairSync('ec', {
    namedCurve: 'prime256v1',
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  }).privateKey

test('keys rotate under load without one refused token, and each is published before it signs', async (t) => {
  const rotation = { interval: '2s', propagation: '1s', retention: '6s' }
  const running = await startSidecar(t, {
    clients: CLIENTS,
    settings: { tokens: { lifetime: '3s', rotation } },
  })
  const ids = new Set<string>()
  const refused: string[] = []
  const until = Date.now() + 6000
  const published = async () =>
    createLocalJWKSet((await running.send({ path: JWKS })).json<JSONWebKeySet>())
  while (Date.now() < until) {
    const keys = await published()
    const token = tokenOf(t, await running.send(tokenRequest({ form: FORM })))
    ids.add(decodeProtectedHeader(token).kid ?? '')
    await jwtVerify(token, keys)
    const headers = { authorization: `Bearer ${token}` }
    const answer = await running.send({ path: '/', headers })
    if (answer.status !== 200) refused.push(answer.text)
  }
  t.deepEqual(refused, [])
  t.true(ids.size >= 3, `${ids.size} keys signed`)
})

test('keys from files sign and vouch, and a changed file counts after a reload', async (t) => {
  const first = pem()
  const running = await startSidecar(t, {
    clients: CLIENTS,
    settings: { tokens: { keys: ['new.key', 'old.key'] } },
    files: { 'new.key': first, 'old.key': pem() },
  })
  const token = tokenOf(t, await running.send(tokenRequest({ form: FORM })))
  const { keys } = (await running.send({ path: JWKS })).json<{ keys: { kid: string }[] }>()
  t.is(keys.length, 2)
  t.is(decodeProtectedHeader(token).kid, keys[0]?.kid)

  running.write('old.key', first)
  running.write('new.key', pem())
  t.true(await running.sidecar.reload())
  const next = tokenOf(t, await running.send(tokenRequest({ form: FORM })))
  t.not(decodeProtectedHeader(next).kid, keys[0]?.kid)
  for (const one of [token, next]) {
    const answer = await running.send({ path: '/', headers: { authorization: `Bearer ${one}` } })
    t.is(answer.status, 200, answer.text)
  }
})
