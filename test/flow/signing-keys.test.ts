import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running, StartOptions } from '../support/start-sidecar.ts'
import { tokenOf, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'
const SQLITE = { state: { use: 'sqlite', path: 'data/state.db' } }
const SEALED = { ...SQLITE, tokens: { encryptionKey: { env: 'KEY' } } }
const KEY = { KEY: 'a key of 32 or more characters, at least' }

const start = (t: Parameters<typeof startSidecar>[0], options: StartOptions = {}) =>
  startSidecar(t, { settings: SQLITE, clients: [secretClient('batch', SECRET)], ...options })

async function ask(running: Running) {
  const form = { client_id: 'batch', client_secret: SECRET }
  return running.send(tokenRequest({ form }))
}

function stored(folder: string): string {
  const data = path.join(folder, 'data')
  return readdirSync(data)
    .map((name) => readFileSync(path.join(data, name), 'latin1'))
    .join('')
}

test('a token outlives a restart when the state does', async (t) => {
  const running = await start(t)
  const token = tokenOf(t, await ask(running))
  await running.stop()
  const again = await running.restart()
  const answer = await again.send({ path: '/', headers: { authorization: `Bearer ${token}` } })
  t.is(answer.status, 200, answer.text)
})

test('a token does not outlive a restart when the state is in memory, and the log warns of it', async (t) => {
  const running = await start(t, { settings: { state: { use: 'memory' } } })
  t.true(running.log.some(({ event }) => event === 'state.not-durable'))
  const token = tokenOf(t, await ask(running))
  await running.stop()
  const again = await running.restart()
  const answer = await again.send({ path: '/', headers: { authorization: `Bearer ${token}` } })
  t.is(answer.status, 401)
  t.is(again.refusalOf(answer)?.['reason'], 'jwt-kid-unknown')
})

test('a change of the algorithm leaves the tokens before it good', async (t) => {
  const running = await start(t)
  const token = tokenOf(t, await ask(running))
  running.configure({ ...SQLITE, tokens: { algorithm: 'RS256' } })
  t.true(await running.sidecar.reload())
  const headers = { authorization: `Bearer ${token}` }
  t.is((await running.send({ path: '/', headers })).status, 200)
  const jwks = await running.send({ path: '/.well-known/openid-configuration/jwks' })
  t.deepEqual(
    jwks
      .json<{ keys: { alg: string }[] }>()
      .keys.map(({ alg }) => alg)
      .toSorted(),
    ['ES256', 'RS256'],
  )
})

test('signing keys are encrypted at rest when there is a key for it', async (t) => {
  const running = await start(t, { settings: SEALED, env: KEY })
  const token = tokenOf(t, await ask(running))
  await running.stop()
  t.regex(stored(running.folder), /sealed:/)
  t.notRegex(stored(running.folder), /"d":/)
  const again = await running.restart({ env: KEY })
  const answer = await again.send({ path: '/', headers: { authorization: `Bearer ${token}` } })
  t.is(answer.status, 200, answer.text)
})

test('a key for encryption that comes later seals what is there', async (t) => {
  const running = await start(t)
  const token = tokenOf(t, await ask(running))
  await running.stop()
  t.regex(stored(running.folder), /"d":/)
  running.configure(SEALED)
  const again = await running.restart({ env: KEY })
  const answer = await again.send({ path: '/', headers: { authorization: `Bearer ${token}` } })
  t.is(answer.status, 200, answer.text)
  await again.stop()
  t.notRegex(stored(running.folder), /"d":/)
})

for (const [what, settings, env, message] of [
  [
    'another key',
    SEALED,
    { KEY: 'another key of 32 or more characters' },
    /another tokens\.encryptionKey/,
  ],
  ['no key', SQLITE, {}, /encrypted and tokens\.encryptionKey is not set/],
] as const) {
  test(`with ${what} than they were encrypted with, keys are not made anew but asked for`, async (t) => {
    const running = await start(t, { settings: SEALED, env: KEY })
    await running.stop()
    running.configure(settings)
    await t.throwsAsync(running.restart({ env }), { message })
    running.configure(SEALED)
    t.is(
      (await running.restart({ env: KEY })).sidecar.snapshot.keyRing.current.kid,
      running.sidecar.snapshot.keyRing.current.kid,
    )
  })
}
