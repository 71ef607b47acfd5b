import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { basic } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'
const AUTHORIZATION = basic('batch', SECRET)
const PROXY = '127.0.0.9'

const running = sharedSidecar(test, {
  settings: { forwarded: { proxies: [PROXY, '10.0.0.0/8'], write: 'both' } },
  clients: [secretClient('batch', SECRET)],
})

const SAID = {
  authorization: AUTHORIZATION,
  'x-forwarded-for': '1.1.1.1, 192.0.2.7, 10.0.0.3',
  'x-forwarded-proto': 'http',
  'x-forwarded-host': 'shop.example',
}

test('what a trusted proxy says is told on, from the caller on', async (t) => {
  const answer = await running().send({ path: '/', headers: SAID, from: PROXY })
  t.is(answer.status, 200, answer.text)
  const [request] = running().arrivedOf(answer)
  t.like(request?.headers, {
    'x-forwarded-for': `192.0.2.7, 10.0.0.3, ${PROXY}`,
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'shop.example',
    forwarded: `for=192.0.2.7;host="shop.example";proto=http, for=10.0.0.3, for=${PROXY};host="${request?.headers['host']}";proto=https`,
  })
})

test('nobody else is believed', async (t) => {
  const answer = await running().send({ path: '/', headers: SAID, from: '127.0.0.8' })
  t.is(answer.status, 200, answer.text)
  const [request] = running().arrivedOf(answer)
  const host = request?.headers['host']
  t.like(request?.headers, {
    'x-forwarded-for': '127.0.0.8',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': host,
    forwarded: `for=127.0.0.8;host="${host}";proto=https`,
  })
  t.false(/192\.0\.2\.7|shop/.test(JSON.stringify(request?.rawHeaders)))
})

for (const [path, status] of [
  ['/', 400],
  ['/connect/token', 400],
] as const) {
  test(`what makes no sense is refused at ${path}`, async (t) => {
    const headers = { ...SAID, 'x-forwarded-for': '192.0.2.7, localhost' }
    const answer = await running().send({ path, headers, from: PROXY })
    t.is(answer.status, status)
    t.like(running().refusalOf(answer), {
      reason: 'forwarded-malformed',
      got: 'x-forwarded: localhost',
      remoteAddress: PROXY,
    })
    const direct = await running().send({ path, headers, from: '127.0.0.8' })
    t.not(running().refusalOf(direct)?.['reason'], 'forwarded-malformed')
  })
}

test('the log names the caller behind a trusted proxy, and the other end of the connection otherwise', async (t) => {
  for (const path of ['/', '/connect/token']) {
    for (const [from, expected] of [
      [PROXY, '192.0.2.7'],
      ['127.0.0.8', '127.0.0.8'],
    ] as const) {
      const headers = { ...SAID, authorization: basic('batch', 'wrong') }
      const answer = await running().send({ path, headers, from })
      t.is(running().refusalOf(answer)?.['remoteAddress'], expected, `${path} from ${from}`)
    }
  }
})

test('wrong secrets are counted for the caller behind a trusted proxy, not for the proxy', async (t) => {
  const sidecar = await startSidecar(t, {
    settings: {
      forwarded: { proxies: [PROXY] },
      guessing: { threshold: 3, maxDelay: '1ms' },
    },
    clients: [secretClient('batch', SECRET)],
  })
  const guess = (caller: string, from: string) =>
    sidecar.send({
      ...tokenRequest({ form: { client_id: 'batch', client_secret: 'wrong' } }),
      headers: { 'x-forwarded-for': caller },
      from,
    })
  const suspected = () =>
    sidecar.log
      .filter(({ event }) => event === 'guessing.suspected')
      .map(({ remoteAddress }) => remoteAddress)
  for (let index = 0; index < 8; index++) await guess(`192.0.2.${index}`, PROXY)
  t.deepEqual(suspected(), [])
  for (let index = 0; index < 4; index++) await guess(`1.1.1.${index}, 192.0.2.99`, PROXY)
  t.deepEqual(suspected(), ['192.0.2.99'])
  for (let index = 0; index < 4; index++) await guess(`192.0.2.${100 + index}`, '127.0.0.8')
  t.deepEqual(suspected(), ['192.0.2.99', '127.0.0.8'])
})
