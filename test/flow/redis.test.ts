import { setTimeout as pause } from 'node:timers/promises'

import ava from 'ava'

import {
  aboutToken,
  callApi,
  INTROSPECTION,
  REVOCATION,
  tokenFor,
} from '../support/ask-about-token.ts'
import type { Asker } from '../support/ask-about-token.ts'
import { secretClient, sha256 } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { readOperations } from '../support/read-operations.ts'
import { redisServer, redisTest } from '../support/redis-server.ts'
import type { RedisServer } from '../support/redis-server.ts'
import type { Ending } from '../support/recording-upstream.ts'
import { relay } from '../support/relay.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'
import { assertRefused, INVALID_CLIENT, tokenRequest } from '../support/token-request.ts'

const test = redisTest(ava)

const SECRET = 'a generated secret'
const BATCH: Asker = ['batch', SECRET]
const HANDLES: Asker = ['handles', SECRET]
const ORDERS: Asker = ['orders', 'the secret of an API']
const UNAVAILABLE = { status: 503, error: 'temporarily_unavailable' } as const

/** Where nothing is to be said of time, the machine may be busy. */
const PATIENT = { commandTimeout: '20s', connectTimeout: '20s' }

async function start(
  t: Ending,
  { port }: Pick<RedisServer, 'port'>,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<Running> {
  const { client } = await pki()
  const key = { type: 'JWK', value: JSON.stringify(client.publicKeyJwk) }
  return startSidecar(t, {
    clients: [
      secretClient('batch', SECRET),
      secretClient('handles', SECRET, { accessTokenType: 'Reference' }),
      { clientId: 'signer', clientSecrets: [key], allowedScopes: ['read'] },
    ],
    resources: [
      { name: 'orders', scopes: ['read', 'write'], apiSecrets: [{ value: sha256(ORDERS[1]) }] },
    ],
    settings: {
      state: { use: 'redis', port, ...PATIENT },
      plugins: { timeLimit: '20s' },
      ...settings,
    },
  })
}

async function assertionRequest() {
  const { client } = await pki()
  return tokenRequest({ form: await signAssertion('signer', client.privateKeyJwk) })
}

test('a token that one issued counts at the other', async (t) => {
  const redis = await redisServer(t)
  const [one, other] = [await start(t, redis), await start(t, redis)]
  for (const asker of [BATCH, HANDLES]) {
    const token = await tokenFor(one, asker)
    t.is((await callApi(other, token)).status, 200)
    const asked = await other.send(aboutToken(INTROSPECTION, token, ORDERS))
    t.true(asked.json()['active'])
  }
  t.false(one.log.some(({ event }) => event === 'state.local' || event === 'state.not-durable'))
})

test('a revocation at one is felt at the other, where the token was known', async (t) => {
  const redis = await redisServer(t)
  const [one, other] = [await start(t, redis), await start(t, redis)]
  for (const asker of [BATCH, HANDLES]) {
    const token = await tokenFor(one, asker)
    t.is((await callApi(other, token)).status, 200)
    const answer = await one.send(aboutToken(REVOCATION, token, asker))
    t.is(answer.status, 200)
    const since = performance.now()
    let calls = 0
    let status = 200
    while (status === 200) {
      ;({ status } = await callApi(other, token))
      calls++
    }
    t.is(status, 401)
    t.log(`${asker[0]}: ${Math.round(performance.now() - since)} ms, ${calls} calls`)
  }
})

test('of a hundred uses of one assertion at both, exactly one counts', async (t) => {
  const redis = await redisServer(t)
  const both = [await start(t, redis), await start(t, redis)]
  const request = await assertionRequest()
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => both.map((sidecar) => sidecar.send(request))).flat(),
  )
  t.is(answers.filter(({ status }) => status === 200).length, 1)
  const refused = answers.filter(({ status }) => status === 401)
  t.is(refused.length, 99)
  const [first] = refused
  if (first) t.is(first.json()['error'], INVALID_CLIENT.error)
})

test('while Redis is gone known tokens count for a bounded time, and nothing that needs it does', async (t) => {
  const redis = await redisServer(t)
  const cache = { maxAge: '5m', maxStale: '2s' }
  const running = await start(t, redis, { introspection: { cache } })
  const known = await tokenFor(running, BATCH)
  const handle = await tokenFor(running, HANDLES)
  const unknown = await tokenFor(running, HANDLES)
  for (const token of [known, handle]) t.is((await callApi(running, token)).status, 200)
  await redis.kill()
  await until(async () => (await ready(running)).includes('degraded: the state store'))
  t.is((await readOperations(running, '/readyz')).status, 200)

  for (const token of [known, handle]) t.is((await callApi(running, token)).status, 200)
  const reason = 'state-unavailable'
  assertRefused(t, running, await callApi(running, unknown), { ...UNAVAILABLE, reason })
  const proof = await running.send(await assertionRequest())
  assertRefused(t, running, proof, { ...UNAVAILABLE, reason })
  const revocation = await running.send(aboutToken(REVOCATION, known, BATCH))
  assertRefused(t, running, revocation, { ...UNAVAILABLE, reason })
  const asked = await running.send(aboutToken(INTROSPECTION, known, ORDERS))
  assertRefused(t, running, asked, { ...UNAVAILABLE, reason })

  // A revocation might have been missed for too long by then.
  for (const token of [known, handle]) {
    let answer = await callApi(running, token)
    while (answer.status === 200) answer = await callApi(running, token)
    assertRefused(t, running, answer, { ...UNAVAILABLE, reason })
  }

  await redis.start()
  const since = performance.now()
  await until(async () => !(await ready(running)).includes('degraded'))
  t.log(`back after ${Math.round(performance.now() - since)} ms`)
  for (const token of [known, handle, unknown]) t.is((await callApi(running, token)).status, 200)
  t.is((await running.send(await assertionRequest())).status, 200)
})

test('a revocation that one could not hear of is known once Redis is within reach again', async (t) => {
  const redis = await redisServer(t)
  const line = await relay(t, redis.port)
  const [other, deaf] = [await start(t, redis), await start(t, line)]
  const token = await tokenFor(other, BATCH)
  t.is((await callApi(deaf, token)).status, 200)
  await line.cut()
  await until(async () => (await ready(deaf)).includes('degraded'))
  t.is((await other.send(aboutToken(REVOCATION, token, BATCH))).status, 200)
  t.is((await callApi(deaf, token)).status, 200)
  await line.mend()
  await until(async () => !(await ready(deaf)).includes('degraded'))
  t.is((await callApi(deaf, token)).status, 401)
})

test('killed and started again under load, it lets nobody in wrongly and loses nothing', async (t) => {
  const redis = await redisServer(t)
  const both = [await start(t, redis), await start(t, redis)]
  const figures = { requests: 0, let_in: 0, refused: 0, unavailable: 0, other: 0 }
  const count = (status: number) => {
    figures.requests++
    if (status === 200) figures.let_in++
    else if (status === 401) figures.refused++
    else if (status === 503) figures.unavailable++
    else figures.other++
    return status
  }
  const random = () => both[Math.random() < 0.5 ? 0 : 1] ?? both[0]
  const load = new AbortController()
  let lost = 0
  let wrong = 0
  const used: Awaited<ReturnType<typeof assertionRequest>>[] = []
  const revoked: string[] = []

  const claims = async () => {
    while (!load.signal.aborted) {
      const request = await assertionRequest()
      const statuses = await Promise.all(
        [random(), random(), random()].map(async (one) =>
          count((await one?.send(request))?.status ?? 0),
        ),
      )
      const accepted = statuses.filter((status) => status === 200).length
      if (accepted > 1) wrong++
      if (accepted > 0) used.push(request)
    }
  }
  const revocations = async () => {
    while (!load.signal.aborted) {
      const sidecar = random()
      if (!sidecar) return
      try {
        const token = await tokenFor(sidecar, HANDLES)
        count((await callApi(sidecar, token)).status)
        const { status } = await sidecar.send(aboutToken(REVOCATION, token, HANDLES))
        count(status)
        if (status === 200) revoked.push(token)
      } catch {
        // There was no token to be had.
        count(503)
      }
    }
  }
  const work = [claims(), claims(), claims(), revocations(), revocations()]
  let back = 0
  for (let round = 0; round < 3; round++) {
    await pause(700)
    await redis.kill()
    await pause(700)
    await redis.start()
    const since = performance.now()
    await until(async () => {
      const states = await Promise.all(both.map(ready))
      return !states.some((state) => state.includes('degraded'))
    })
    back = Math.max(back, performance.now() - since)
  }
  await pause(300)
  load.abort()
  await Promise.all(work)

  for (const request of used) if ((await random()?.send(request))?.status === 200) lost++
  for (const token of revoked) {
    for (const sidecar of both) if ((await callApi(sidecar, token)).status === 200) wrong++
  }
  t.log({ ...figures, claims: used.length, revocations: revoked.length, wrong, lost, back })
  t.is(wrong, 0)
  t.is(lost, 0)
  t.is(figures.other, 0)
  t.true(figures.unavailable > 0 && used.length > 0 && revoked.length > 0)
})

async function ready(running: Running): Promise<string> {
  return (await readOperations(running, '/readyz')).text
}

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await pause(10)
}
