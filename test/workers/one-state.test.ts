import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import type { SecureVersion } from 'node:tls'

import test from 'ava'
import { decodeProtectedHeader } from 'jose'

import { serve } from '../commands/support/vouchgate.ts'
import type { Serving } from '../commands/support/vouchgate.ts'
import { aboutToken, REVOCATION } from '../support/ask-about-token.ts'
import type { Asker } from '../support/ask-about-token.ts'
import { secretClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { pki } from '../support/pki.ts'
import type { LogLine } from '../support/start-sidecar.ts'
import { basic, send } from '../support/send.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import { tokenOf, tokenRequest } from '../support/token-request.ts'
import { eachWorker, refusalOf, workerOf } from './support/each-worker.ts'
import type { WorkerConnection } from './support/each-worker.ts'

const SECRET = 'a generated secret'
const JWTS: Asker = ['jwts', SECRET]
const HANDLES: Asker = ['handles', SECRET]

// One program of three processes for all of these.
let running: Serving
let workers: readonly [WorkerConnection, WorkerConnection]
const endings: (() => unknown)[] = []
const ending = { teardown: (end: () => unknown) => endings.unshift(end) }
test.before(async () => {
  const { client } = await pki()
  const key = { type: 'JWK', value: JSON.stringify(client.publicKeyJwk) }
  running = await serve(ending, {
    settings: { workers: 2, guessing: { threshold: 4, maxDelay: '50ms' } },
    clients: [
      secretClient(...JWTS),
      secretClient(...HANDLES, { accessTokenType: 'Reference' }),
      { clientId: 'signer', clientSecrets: [key], allowedScopes: ['read'] },
    ],
  })
  workers = await eachWorker(ending, running)
})
test.after.always(async () => {
  for (const end of endings) await end()
})

test('an assertion that comes to all workers at once is accepted once', async (t) => {
  const form = await signAssertion('signer', (await pki()).client.privateKeyJwk)
  const ca = running.pki.rootCa.pem
  const answers = await Promise.all([
    ...Array.from({ length: 8 }, () => send(running.port, ca, tokenRequest({ form }))),
    // A busy worker is handed fewer connections than an idle one; these two have theirs.
    ...[...workers, ...workers].map((worker) => worker.send(tokenRequest({ form }))),
  ])
  const accepted = answers.filter(({ status }) => status === 200)
  t.is(accepted.length, 1)
  const lines = await Promise.all(
    answers.filter((one) => !accepted.includes(one)).map((one) => refusalOf(running, one)),
  )
  t.deepEqual(new Set(lines.map(({ reason }) => reason)), new Set(['jwt-jti-replayed']))
  t.deepEqual(workersIn(lines), [1, 2])
})

function workersIn(lines: readonly LogLine[]): readonly number[] {
  return [...new Set(lines.map(({ worker }) => Number(worker)))].toSorted((a, b) => a - b)
}

for (const [kind, asker] of [
  ['JWT', JWTS],
  ['reference token', HANDLES],
] as const) {
  test(`a ${kind} of one worker counts at the other, and nowhere once one has revoked it`, async (t) => {
    const [one, other] = workers
    const headers = { authorization: basic(...asker) }
    const token = tokenOf(t, await one.send(tokenRequest({ headers })))
    const call = { path: '/orders', headers: { authorization: `Bearer ${token}` } }
    // Twice, so that both remember it.
    for (const worker of [one, other, one, other]) t.is((await worker.send(call)).status, 200)
    t.is((await one.send(aboutToken(REVOCATION, token, asker))).status, 200)
    for (const worker of workers) {
      let answer = await worker.send(call)
      for (let tries = 0; answer.status === 200 && tries < 50; tries++)
        answer = await worker.send(call)
      t.is(answer.status, 401)
      t.like(await refusalOf(running, answer), { reason: 'token-revoked', worker: worker.worker })
    }
  })
}

test('all workers publish and sign with the same key', async (t) => {
  const keys = await Promise.all(
    workers.map(async ({ send: ask }) => {
      const published = await ask({ path: '/.well-known/openid-configuration/jwks' })
      const headers = { authorization: basic(...JWTS) }
      const { kid } = decodeProtectedHeader(tokenOf(t, await ask(tokenRequest({ headers }))))
      return { published: published.json(), kid }
    }),
  )
  t.deepEqual(keys[0], keys[1])
})

test('wrong secrets are counted together', async (t) => {
  const [one, other] = workers
  const wrong = tokenRequest({ headers: { authorization: basic('nobody', 'wrong') } })
  for (const worker of [one, one, other, other]) t.is((await worker.send(wrong)).status, 401)
  const suspicions = () =>
    running.log.filter(
      ({ event, claimedClient }) => event === 'guessing.suspected' && claimedClient === 'nobody',
    )
  t.is(suspicions().length, 0)
  t.is((await one.send(wrong)).status, 401)
  await eventually(() => suspicions()[0])
  await other.send(wrong)
  t.is(suspicions().length, 1)
})

/** One request on a connection of its own. @returns who answered, and the session for the next */
async function visit(maxVersion: SecureVersion, session?: Buffer) {
  const socket = connect({
    port: running.port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: running.pki.rootCa.pem,
    maxVersion,
    ...(session && { session }),
  })
  let kept = session
  socket.on('session', (next) => (kept = next))
  await once(socket, 'secureConnect')
  const reused = socket.isSessionReused()
  socket.write('GET /who HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
  const answer = await text(socket)
  const [, id = ''] = /x-request-id: (\S+)/i.exec(answer) ?? []
  const line = await eventually(() => running.log.find(({ requestId }) => requestId === id))
  return { worker: line['worker'], reused, session: kept }
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`a session of one worker is resumed at the other: ${version}`, async (t) => {
    const first = await visit(version)
    t.false(first.reused)
    let next = await visit(version, first.session)
    // Another test may have opened a connection in between.
    for (let tries = 0; next.worker === first.worker && tries < 50; tries++) {
      next = await visit(version, first.session)
    }
    t.not(next.worker, first.worker)
    t.true(next.reused)
  })
}

test('each line of the log that a worker wrote has its number, and those of the primary have none', async (t) => {
  t.is(await workerOf(running, await workers[0].send()), 1)
  const of = (event: string) => running.log.filter((line) => line.event === event)
  t.deepEqual(workersIn(of('request.refused')), [1, 2])
  for (const event of ['listening', 'state.local', 'plugin.loaded']) {
    t.true(of(event).length > 0)
    t.true(of(event).every((line) => !('worker' in line)))
  }
  t.is(of('listening').length, 1)
  const plugins = of('plugin.loaded').map(({ file }) => file)
  t.is(new Set(plugins).size, plugins.length)
})
