import { setTimeout as pause } from 'node:timers/promises'

import test from 'ava'

import { callApi } from '../support/ask-about-token.ts'
import { secretClient } from '../support/clients.ts'
import { issuerServer, json, text } from '../support/issuer-server.ts'
import type { IssuerServer, Reply } from '../support/issuer-server.ts'
import { readOperations } from '../support/read-operations.ts'
import type { Ending } from '../support/recording-upstream.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'
import { assertRefused } from '../support/token-request.ts'

const UNAVAILABLE = {
  status: 503,
  error: 'temporarily_unavailable',
  reason: 'issuer-unavailable',
} as const

const active = () => ({
  active: true,
  client_id: 'remote',
  scope: 'read',
  exp: Math.floor(Date.now() / 1000) + 600,
})

function start(
  t: Ending,
  { url }: IssuerServer,
  { timeout = '20s', cache = {} }: { readonly timeout?: string; readonly cache?: object } = {},
): Promise<Running> {
  return startSidecar(t, {
    clients: [secretClient('orders', 'a generated secret')],
    env: { SECRET: 'secret' },
    settings: {
      issuers: [
        {
          issuer: url,
          introspection: {
            url: `${url}/introspect`,
            clientId: 'gate',
            secret: { env: 'SECRET' },
            opaqueTokens: true,
          },
          clients: { remote: 'orders' },
          insecure: true,
          timeout,
        },
      ],
      introspection: { cache },
    },
  })
}

const lies: Readonly<Record<string, Reply>> = {
  'status 500': json(active(), 500),
  'status 429': json(active(), 429),
  'a redirect': (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
  HTML: text('<html>sign in</html>', 'text/html'),
  'JSON cut off': text('{"active":true,"client_id":"remote"'),
  'active said twice': text('{"active":false,"client_id":"remote","active":true}'),
  'active as text': json({ ...active(), active: 'true' }),
  'a megabyte': json({ ...active(), more: 'x'.repeat(1024 * 1024) }),
  'a connection reset': (response) => response.destroy(),
}

for (const [title, lie] of Object.entries(lies)) {
  test(`${title} from the issuer lets nobody in, is not remembered, and reaches no API`, async (t) => {
    const server = await issuerServer(t)
    server.reply = lie
    const running = await start(t, server)
    for (let count = 1; count <= 2; count++) {
      assertRefused(t, running, await callApi(running, 'token'), UNAVAILABLE)
      t.is(server.asked.length, count)
    }
    t.deepEqual(running.upstream.arrived, [])
    server.reply = json(active())
    t.is((await callApi(running, 'token')).status, 200)
  })
}

test('an issuer that is slow, or says a byte now and then, is not waited for', async (t) => {
  const server = await issuerServer(t)
  const running = await start(t, server, { timeout: '300ms' })
  const slow: readonly Reply[] = [
    () => undefined,
    async (response) => {
      response.writeHead(200, { 'content-type': 'application/json' })
      for (const byte of JSON.stringify(active())) {
        if (response.destroyed) return
        response.write(byte)
        await pause(50)
      }
      response.end()
    },
  ]
  for (const reply of slow) {
    server.reply = reply
    const answer = await callApi(running, 'token')
    assertRefused(t, running, answer, UNAVAILABLE)
    t.regex(String(running.refusalOf(answer)?.['got']), /no whole answer in 300 ms/)
  }
  t.deepEqual(running.upstream.arrived, [])
})

test('a hundred requests with one token ask a slow issuer once', async (t) => {
  const server = await issuerServer(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  server.reply = async (response, asked) => {
    await promise
    return json(active())(response, asked)
  }
  const running = await start(t, server)
  const all = Array.from({ length: 100 }, () => callApi(running, 'token'))
  const misses = /^vouchgate_introspection_cache_misses_total 100$/m
  while (!misses.test((await readOperations(running, '/metrics')).text)) await pause(10)
  resolve()
  t.true((await Promise.all(all)).every(({ status }) => status === 200))
  t.is(server.asked.length, 1)
})

test('an issuer that is down is soon left alone', async (t) => {
  const server = await issuerServer(t)
  server.reply = json({}, 503)
  const running = await start(t, server)
  for (let count = 0; count < 5; count++) await callApi(running, `token${count}`)
  const all = await Promise.all(
    Array.from({ length: 40 }, (_, one) => callApi(running, `more${one}`)),
  )
  t.true(all.every(({ status }) => status === 503))
  t.true(server.asked.length <= 10, `${server.asked.length} calls`)
})

test('no token is in the log or the metrics', async (t) => {
  const server = await issuerServer(t)
  server.reply = json(active())
  const running = await start(t, server)
  await callApi(running, 'good-canary-token')
  server.reply = json({}, 500)
  await callApi(running, 'bad-canary-token')
  t.notRegex(JSON.stringify(running.log), /canary/)
  t.notRegex((await readOperations(running, '/metrics')).text, /canary/)
})

test('under an issuer that comes and goes nobody is let in wrongly, and known tokens are not kept out', async (t) => {
  const server = await issuerServer(t)
  const good = (token: string) => token.startsWith('good')
  const honest: Reply = (response, asked) =>
    json(good(asked.form.get('token') ?? '') ? active() : { active: false })(response, asked)
  const faults = [honest, ...Object.values(lies)]
  server.reply = honest
  const cache = { maxAge: '200ms', maxStale: '1m', inactiveAge: '100ms' }
  const running = await start(t, server, { cache })
  const known = Array.from({ length: 10 }, (_, index) => `good${index}`)
  for (const token of known) t.is((await callApi(running, token)).status, 200)

  const figures = { requests: 0, 200: 0, 401: 0, 503: 0 }
  const wrong: string[] = []
  const call = async (token: string) => {
    const { status } = await callApi(running, token)
    figures.requests++
    if (status === 200 || status === 401 || status === 503) figures[status]++
    else wrong.push(`${token}: ${status}`)
    return status
  }
  for (let round = 0; round < 30; round++) {
    server.reply = faults[round % faults.length] ?? honest
    const calls = known.map(async (token, index) => {
      if ((await call(token)) !== 200) wrong.push(`${token} was kept out`)
      if ((await call(`bad${index}`)) === 200) wrong.push(`bad${index} was let in`)
      if ((await call(`bad${round}x${index}`)) === 200) wrong.push('a new bad one was let in')
    })
    await Promise.all(calls)
  }
  t.log({ ...figures, calls: server.asked.length, wrong: wrong.length })
  t.deepEqual(wrong, [])
  t.true(figures[200] === 300 && figures[401] > 0 && figures[503] > 0)
})
