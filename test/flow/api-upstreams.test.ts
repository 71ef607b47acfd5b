import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { secretClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { pki } from '../support/pki.ts'
import { prepareConfiguration } from '../support/prepare-configuration.ts'
import { readOperations } from '../support/read-operations.ts'
import { recordingUpstream } from '../support/recording-upstream.ts'
import { basic } from '../support/send.ts'
import { startSidecar } from '../support/start-sidecar.ts'

const SECRET = 'a generated secret'
const headers = { authorization: basic('batch', SECRET) }
const clients = [secretClient('batch', SECRET)]

/** An upstream whose target can be stopped and started at its port. */
async function comingAndGoing(t: ExecutionContext) {
  const open = async (port: number) => {
    const server = createServer((_request, response) => response.end('there'))
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return server
  }
  let server = await open(0)
  const { port } = server.address() as AddressInfo
  const stop = async () => {
    server.closeAllConnections()
    server.close()
    if (server.listening) await once(server, 'close')
  }
  t.teardown(stop)
  return { port, stop, start: async () => (server = await open(port)) }
}

test('a rule says which upstream its requests go to, and the others go where they went', async (t) => {
  const orders = await recordingUpstream(t, (_request, response) => response.end('orders'))
  const running = await startSidecar(t, {
    settings: {
      upstreams: { orders: `http://127.0.0.1:${orders.port}` },
      routes: [{ path: '/orders/**', upstream: 'orders' }],
    },
    clients,
  })
  t.is((await running.send({ path: '/orders/1', headers })).text, 'orders')
  t.is((await running.send({ path: '/', headers })).text, 'upstream says hello')
  t.is(orders.arrived.length, 1)
  t.is(running.upstream.arrived.length, 1)
})

test('a target that fails is passed over, left out and told of; when it is back that is told too', async (t) => {
  const one = await comingAndGoing(t)
  const other = await recordingUpstream(t)
  const targets = [one.port, other.port].map((port) => `http://127.0.0.1:${port}`)
  const running = await startSidecar(t, {
    settings: { upstream: { targets, ejection: { failures: 2, period: '50ms' } } },
    clients,
  })
  const target = `http://127.0.0.1:${one.port}`
  await one.stop()
  for (let i = 0; i < 6; i++) t.is((await running.send({ path: '/', headers })).status, 200)
  t.like(
    running.log.find(({ event }) => event === 'upstream.target-out'),
    { upstream: 'default', target, reason: 'upstream-refused', level: 'warn' },
  )
  const { text } = await readOperations(running, '/metrics')
  t.regex(
    text,
    new RegExp(`vouchgate_upstream_target_out{upstream="default",target="${target}"} 1`),
  )
  t.regex(text, /vouchgate_upstream_failures_total{[^}]*reason="upstream-refused"} [2-9]/)
  t.regex(text, /vouchgate_upstream_retries_total{[^}]*} [2-9]/)
  t.regex(text, /vouchgate_upstream_requests_under_way{[^}]*} 0/)
  t.deepEqual(
    running.log.filter(({ event }) => event === 'upstream.failed'),
    [],
  )
  await one.start()
  await eventually(() => {
    void running.send({ path: '/', headers }).catch(() => undefined)
    return running.log.find(({ event }) => event === 'upstream.target-back')
  })
  t.pass()
})

test('an upstream that is gone as a whole is told at readiness, and stays ready', async (t) => {
  const one = await comingAndGoing(t)
  const upstream = { targets: [`http://127.0.0.1:${one.port}`], ejection: { failures: 2 } }
  const running = await startSidecar(t, {
    settings: {
      upstreams: { orders: upstream },
      routes: [{ path: '/orders', upstream: 'orders' }],
    },
    clients,
  })
  await one.stop()
  t.is((await running.send({ path: '/orders', headers })).status, 502)
  t.deepEqual(await readOperations(running, '/readyz'), {
    status: 200,
    text: 'ok\ndegraded: no target of upstream orders answers\n',
  })
  await one.start()
  t.is((await running.send({ path: '/orders', headers })).status, 200)
  t.deepEqual(await readOperations(running, '/readyz'), { status: 200, text: 'ok\n' })
})

test('too many requests at once are a 503 that says when to come again', async (t) => {
  const held: (() => void)[] = []
  const running = await startSidecar(t, {
    settings: { upstreamLimits: { connections: 1, waiting: 0 } },
    clients,
    answer: (_request, response) => held.push(() => response.end('late')),
  })
  const first = running.send({ path: '/', headers })
  await eventually(() => held[0])
  const second = await running.send({ path: '/', headers })
  t.is(second.status, 503)
  t.is(second.headers['retry-after'], '1')
  held[0]?.()
  t.is((await first).text, 'late')
  t.like(await eventually(() => running.log.find(({ event }) => event === 'upstream.failed')), {
    reason: 'upstream-busy',
    status: 503,
  })
})

test('an exchange that takes longer than its upstream may is a 504, or is cut off', async (t) => {
  const running = await startSidecar(t, {
    settings: { upstreamLimits: { totalTimeout: '200ms' } },
    clients,
    answer(request, response) {
      if (request.url === '/endless') setInterval(() => response.write('x'), 20).unref()
    },
  })
  t.is((await running.send({ path: '/', headers })).status, 504)
  await t.throwsAsync(running.send({ path: '/endless', headers }), { message: 'aborted' })
  const failures = await eventually(() => {
    const found = running.log.filter(({ event }) => event === 'upstream.failed')
    return found.length === 2 ? found : undefined
  })
  t.like(failures[0], { reason: 'upstream-timeout', status: 504 })
  t.like(failures[1], { reason: 'upstream-timeout', status: 200 })
})

test('an authority that was changed counts after the files were seen to change', async (t) => {
  const { server, rootCa, otherCa } = await pki()
  const upstream = createTlsServer({ cert: server.cert, key: server.key }, (_request, response) =>
    response.end('secret'),
  )
  upstream.listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.teardown(() => {
    upstream.closeAllConnections()
    upstream.close()
  })
  const { port } = upstream.address() as AddressInfo
  const running = await startSidecar(t, {
    settings: {
      upstream: { targets: [`https://localhost:${port}`], tls: { ca: 'upstream-ca.pem' } },
    },
    files: { 'upstream-ca.pem': otherCa.pem },
    clients,
    watch: true,
  })
  t.is((await running.send({ path: '/', headers })).status, 502)
  t.like(await eventually(() => running.log.find(({ event }) => event === 'upstream.failed')), {
    reason: 'upstream-tls',
  })
  running.write('upstream-ca.pem', rootCa.pem)
  await eventually(() => running.log.find(({ event }) => event === 'config.reloaded'))
  t.is((await running.send({ path: '/', headers })).text, 'secret')
})

test('check finds what is wrong with upstreams, each at its place', async (t) => {
  const { client, rootCa, otherClient, expiredClient } = await pki()
  const https = ['https://api.internal']
  const { lines } = await prepareConfiguration(t, {
    settings: {
      upstream: { targets: ['http://a', 'http://b:8080', 'http://a:80'] },
      upstreams: {
        mixed: { targets: ['unix:/run/api.sock'], tls: { ca: 'good-ca.pem' } },
        ca: { targets: https, tls: { ca: 'broken.pem' } },
        cut: { targets: https, tls: { ca: 'cut.pem' } },
        keyless: { targets: https, tls: { certificate: 'client.pem' } },
        other: { targets: https, tls: { certificate: 'client.pem', key: 'other.key' } },
        nokey: { targets: https, tls: { certificate: 'client.pem', key: 'client.pem' } },
        old: { targets: https, tls: { certificate: 'expired.pem', key: 'expired.key' } },
        sound: { targets: https, tls: { ca: 'good-ca.pem', ...ownFiles }, protocol: 'h2' },
        socket: { targets: ['unix:/run/api.sock'], protocol: 'h2' },
      },
      routes: [{ path: '/x', upstream: 'nowhere' }],
    },
    files: {
      'good-ca.pem': rootCa.pem,
      'broken.pem': 'no certificate',
      'cut.pem': `${rootCa.pem}\n${rootCa.pem.replace(/^(.*\n.{10}).*$/m, '$1')}`,
      'client.pem': client.cert,
      'client.key': client.key,
      'other.key': otherClient.key,
      'expired.pem': expiredClient.cert,
      'expired.key': expiredClient.key,
    },
  })
  const found = lines.filter((line) => /upstream/.test(line))
  t.true(found.every((line) => /^(error|note) vouchgate\.yaml:\d+:\d+: /.test(line)))
  const messages = found.map((line) => line.replace(/ vouchgate\.yaml:\d+:\d+/, ''))
  const cut = messages.find((line) => line.includes('cut'))
  t.regex(cut ?? '', /upstreams\.cut\.tls\.ca: certificate 2 of 2 cannot be read/)
  t.deepEqual(
    messages
      .filter((line) => line !== cut)
      .map((line) => line.replace(/expired on .*/, 'expired on …')),
    [
      'error: upstream.targets.2: is there twice',
      'error: upstreams.mixed.tls: is for https targets, and unix:/run/api.sock is none',
      'error: upstreams.ca.tls.ca: holds no certificate in PEM',
      'error: upstreams.keyless.tls.certificate: has no key beside it',
      'error: upstreams.other.tls.key: is not the key of the certificate',
      'error: upstreams.nokey.tls.key: is not a private key in PEM without a passphrase',
      'note: upstreams.old.tls.certificate: expired on …',
      `error: routes.0.upstream: there is no upstream nowhere; there are ${NAMES}`,
    ],
  )
})

const ownFiles = { certificate: 'client.pem', key: 'client.key' }
const NAMES = 'mixed, ca, cut, keyless, other, nokey, old, sound, socket'

for (const [what, upstream, expected] of [
  ['no URL', 'api', /upstream: must be a URL such as http:\/\/host:8080/],
  ['a path', 'http://a/b', /upstream: must be a URL such as/],
  ['a relative socket', 'unix:api.sock', /upstream: must be a URL such as/],
  ['no target', { targets: [] }, /upstream\.targets: must not be empty/],
  ['a misspelt setting', { targets: ['http://a'], retry: 1 }, /upstream\.retry: is not a known/],
  ['an unknown protocol', { targets: ['http://a'], protocol: 'h3' }, /upstream\.protocol/],
  ['a file that is not there', { targets: ['https://a'], tls: { ca: 'x.pem' } }, /x\.pem does not/],
  ['TLS that does not verify', { targets: ['https://a'], tls: { verify: false } }, /tls\.verify/],
] as const) {
  test(`an upstream with ${what} is refused at its place`, async (t) => {
    const { lines } = await prepareConfiguration(t, { settings: { upstream } })
    t.true(
      lines.some((line) => expected.test(line) && /^error vouchgate\.yaml:\d+:\d+/.test(line)),
      lines.join('\n'),
    )
  })
}

test('the name default is taken', async (t) => {
  const settings = { upstreams: { default: 'http://a' } }
  const { lines } = await prepareConfiguration(t, { settings })
  t.regex(lines.join('\n'), /upstreams\.default.*is the name of the one that `upstream` says/)
})
