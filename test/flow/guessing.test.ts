import test from 'ava'

import { secretClient, sha256 } from '../support/clients.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'
const GUESSING = { guessing: { threshold: 3, maxDelay: '60s' } }

test('a right secret is accepted at once while wrong ones are kept back', async (t) => {
  const running = await startSidecar(t, {
    clients: [secretClient('batch', SECRET)],
    settings: GUESSING,
  })
  const ask = (secret: string) =>
    running.send(tokenRequest({ form: { client_id: 'batch', client_secret: secret } }))
  for (let index = 0; index < 8; index++) t.is((await ask('wrong')).status, 401)
  const kept = ask('wrong again')
  // The refusal under way is kept back for seconds; the right secret overtakes it.
  const first = await Promise.race([kept.then(() => 'kept'), ask(SECRET).then(() => 'right')])
  t.is(first, 'right')
  t.is((await kept).status, 401)
  const suspicions = running.log.filter(({ event }) => event === 'guessing.suspected')
  t.is(suspicions.length, 1)
  t.is(suspicions[0]?.['claimedClient'], 'batch')
})

test('a client that its certificate proves is not taken for a guesser', async (t) => {
  const { pki, ...running } = await startSidecar(t, {
    clients: [
      {
        clientId: 'batch',
        clientSecrets: [
          { value: sha256(SECRET) },
          { type: 'X509Name', value: 'CN=client, O=Example' },
        ],
      },
    ],
    settings: GUESSING,
  })
  const form = { client_id: 'batch', client_secret: 'wrong' }
  const { cert, key } = pki.client
  for (let index = 0; index < 12; index++) {
    t.is((await running.send({ ...tokenRequest({ form }), cert, key })).status, 401)
  }
  t.false(running.log.some(({ event }) => event === 'guessing.suspected'))
})

test('a client that asks about tokens with its right secret is not taken for a guesser', async (t) => {
  const running = await startSidecar(t, {
    clients: [secretClient('batch', SECRET)],
    resources: [{ name: 'orders', scopes: ['read'], apiSecrets: [{ value: sha256('other') }] }],
    settings: GUESSING,
  })
  const form = { client_id: 'batch', client_secret: SECRET, token: 'whatever' }
  for (let index = 0; index < 12; index++) {
    t.is((await running.send({ path: '/connect/introspect', form })).status, 200)
  }
  t.false(running.log.some(({ event }) => event === 'guessing.suspected'))
})

test('a wrong secret at the introspection endpoint counts once, though two registries may be asked', async (t) => {
  const running = await startSidecar(t, {
    clients: [secretClient('batch', SECRET)],
    settings: GUESSING,
  })
  const form = { client_id: 'batch', client_secret: 'wrong', token: 'whatever' }
  const ask = () => running.send({ path: '/connect/introspect', form })
  const isSuspected = () => running.log.some(({ event }) => event === 'guessing.suspected')
  for (let index = 0; index < 3; index++) t.is((await ask()).status, 401)
  t.false(isSuspected())
  t.is((await ask()).status, 401)
  t.true(isSuspected())
})
