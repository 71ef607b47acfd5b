import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect } from 'node:tls'

import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { openConnection } from '../support/open-connection.ts'
import { readOperations } from '../support/read-operations.ts'
import { basic } from '../support/send.ts'
import { sendRaw } from '../support/send-raw.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'

const SECRET = 'a generated secret'
const AUTHORIZATION = basic('batch', SECRET)
const HEADERS = { authorization: AUTHORIZATION }
const CLIENTS = [secretClient('batch', SECRET)]

const KIB = 1024
const running = sharedSidecar(test, {
  settings: {
    limits: { maxBody: '100KiB' },
    routes: [
      { path: '/small', maxBody: '1KiB' },
      { path: '/large', maxBody: '300KiB' },
      { path: '/public', public: true },
      { path: '/none', maxBody: 0 },
    ],
  },
  clients: CLIENTS,
})

for (const [path, size, chunked] of [
  ['/', 100 * KIB, false],
  ['/', 100 * KIB, true],
  ['/small', KIB, false],
  ['/small', KIB, true],
  ['/large', 300 * KIB, false],
  ['/large', 300 * KIB, true],
  ['/public', 100 * KIB, true],
] as const) {
  test(`${size} bytes${chunked ? ' in chunks' : ''} may go to ${path}`, async (t) => {
    const body = Buffer.alloc(size, 'x')
    const answer = await running().send({ path, headers: HEADERS, body, chunked })
    t.is(answer.status, 200, answer.text)
    t.is(running().arrivedOf(answer)[0]?.body.length, size)
  })
}

for (const [path, size, chunked] of [
  ['/', 100 * KIB + 1, false],
  ['/', 100 * KIB + 1, true],
  ['/', 5000 * KIB, false],
  ['/', 5000 * KIB, true],
  ['/small', KIB + 1, false],
  ['/small', KIB + 1, true],
  ['/large', 300 * KIB + 1, true],
  ['/public', 100 * KIB + 1, false],
  ['/none', 1, false],
  ['/none', 1, true],
] as const) {
  test(`${size} bytes${chunked ? ' in chunks' : ''} are too many for ${path}`, async (t) => {
    const body = Buffer.alloc(size, 'x')
    const url = `${path}?size=${size}&chunked=${chunked}`
    const answer = await running().send({ path: url, headers: HEADERS, body, chunked })
    t.is(answer.status, 413)
    t.deepEqual(answer.json<unknown>(), {
      type: 'about:blank',
      title: 'Content Too Large',
      status: 413,
    })
    const refusal = await eventually(() => running().refusalOf(answer))
    t.like(refusal, {
      reason: 'body-too-large',
      status: 413,
      path,
      hint: 'see maxBody of the route, and limits.maxBody',
      ...(path !== '/public' && { client: 'batch' }),
    })
    t.false(running().upstream.arrived.some((one) => one.url === url))
    const { text } = await readOperations(running(), '/metrics')
    t.regex(text, /vouchgate_refusals_total\{error="bad_request",reason="body-too-large"\} \d/)
  })
}

test('a client that asks first is told before it sends what is too much', async (t) => {
  const text = await sendRaw(
    running().port,
    running().pki.rootCa.pem,
    `POST /asks HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${AUTHORIZATION}\r\n` +
      `Expect: 100-continue\r\nContent-Length: ${200 * KIB}\r\n\r\n`,
  )
  t.regex(text, /^HTTP\/1\.1 413 /)
  t.is(text.match(/HTTP\/1\.1 /g)?.length, 1)
})

test('nobody who is not proven is told how much would have been too much', async (t) => {
  const answer = await running().send({ path: '/', body: Buffer.alloc(200 * KIB), method: 'POST' })
  t.is(answer.status, 401)
})

test('after a body that was cut off nothing more is taken from the connection', async (t) => {
  const chunk = `${(200 * KIB).toString(16)}\r\n${'x'.repeat(200 * KIB)}\r\n`
  const text = await sendRaw(
    running().port,
    running().pki.rootCa.pem,
    `POST /cut HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${AUTHORIZATION}\r\n` +
      `Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n\r\n` +
      'GET /after-the-cut HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n',
  )
  t.regex(text, /^HTTP\/1\.1 413 /)
  t.is(text.match(/HTTP\/1\.1 /g)?.length, 1)
  t.false(running().upstream.arrived.some(({ url }) => /cut/.test(url)))
})

test('an answer that has begun is cut off when the body becomes too long, and the API is told', async (t) => {
  const ends: string[] = []
  const early = createServer((request, response) => {
    request.on('end', () => ends.push('whole')).on('error', () => ends.push('cut'))
    request.once('data', () => response.write('begun'))
  })
  early.listen(0, '127.0.0.1')
  await once(early, 'listening')
  t.teardown(() => {
    early.closeAllConnections()
    early.close()
  })
  const sidecar = await startSidecar(t, {
    settings: {
      upstream: `http://127.0.0.1:${(early.address() as AddressInfo).port}`,
      limits: { maxBody: '100KiB' },
    },
    clients: CLIENTS,
  })
  const { port, pki } = sidecar
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: pki.rootCa.pem })
  t.teardown(() => socket.destroy())
  socket.on('error', () => undefined)
  const closed = Promise.withResolvers<void>()
  socket.once('close', () => {
    closed.resolve()
  })
  let text = ''
  socket.on('data', (part: Buffer) => (text += part.toString('latin1')))
  socket.write(
    `POST /early HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${AUTHORIZATION}\r\n` +
      'Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n',
  )
  await eventually(() => (text.includes('begun') ? true : undefined))
  socket.write(`${(200 * KIB).toString(16)}\r\n${'x'.repeat(200 * KIB)}\r\n0\r\n\r\n`)
  await closed.promise
  t.regex(text, /^HTTP\/1\.1 200 /)
  t.false(text.includes('\r\n0\r\n'), 'no end that could be taken for that of the answer')
  await eventually(() => (ends.length > 0 ? true : undefined))
  t.deepEqual(ends, ['cut'])
  const refusal = await eventually(() => sidecar.refusals()[0])
  t.like(refusal, { reason: 'body-too-large', path: '/early', client: 'batch' })
})

/** A sidecar before an upstream that keeps requests for /stall until it is told to answer. */
async function stalling(t: Parameters<typeof startSidecar>[0], limits: object) {
  const stalled: ServerResponse[] = []
  const events = new EventEmitter()
  const sidecar = await startSidecar(t, {
    settings: { limits, routes: [{ path: '/public', public: true }] },
    clients: CLIENTS,
    answer({ url }, response) {
      if (!url?.startsWith('/stall')) {
        response.end('done')
        return
      }
      stalled.push(response)
      events.emit('stalled')
    },
  })
  const arrived = async (count: number) => {
    while (stalled.length < count) await once(events, 'stalled')
  }
  return { sidecar, stalled, arrived }
}

/** The gauge, which the request for it is not in: that comes to another port. */
async function underWay(sidecar: Running): Promise<number> {
  const { text } = await readOperations(sidecar, '/metrics')
  return Number(/^vouchgate_requests_under_way (\d+)$/m.exec(text)?.[1])
}

async function isIdle(sidecar: Running): Promise<boolean> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if ((await underWay(sidecar)) === 0) return true
  }
  return false
}

test('a request too many is told to come again, before anybody asks who calls', async (t) => {
  const { sidecar, stalled, arrived } = await stalling(t, { concurrentRequests: 2 })
  const held = [1, 2].map(() => sidecar.send({ path: '/stall', headers: HEADERS }))
  await arrived(2)
  t.is(await underWay(sidecar), 2)
  for (const path of ['/', '/public', '/connect/token', '/connect/verify', '/no%2fsuch']) {
    const answer = await sidecar.send({ path, headers: { authorization: basic('x', 'wrong') } })
    t.is(answer.status, 503, path)
    t.is(answer.headers['retry-after'], '1')
    t.is(answer.headers['content-type'], 'application/problem+json')
    t.deepEqual(sidecar.arrivedOf(answer), [])
  }
  const { text } = await readOperations(sidecar, '/metrics')
  t.regex(
    text,
    /vouchgate_refusals_total\{error="temporarily_unavailable",reason="overloaded"\} 5\n/,
  )
  t.is((await readOperations(sidecar, '/livez')).status, 200)
  t.is((await readOperations(sidecar, '/readyz')).status, 200)
  const line = sidecar.log.find(({ event }) => event === 'load.shed')
  t.like(line, { reason: 'overloaded', refused: 1, underWay: 2 })
  t.is(sidecar.refusals().length, 0)

  for (const response of stalled) response.end('at last')
  for (const answer of await Promise.all(held)) t.is(answer.text, 'at last')
  t.is((await sidecar.send({ path: '/', headers: HEADERS })).status, 200)
  t.true(await isIdle(sidecar))
})

test('one address cannot take the places of all others', async (t) => {
  const { sidecar, stalled, arrived } = await stalling(t, { concurrentRequestsPerSource: 1 })
  const held = sidecar.send({ path: '/stall', headers: HEADERS })
  await arrived(1)
  t.is((await sidecar.send({ path: '/public' })).status, 503)
  const line = sidecar.log.find(({ event }) => event === 'load.shed')
  t.like(line, { reason: 'overloaded', source: '127.0.0.1', underWay: 1 })
  t.is((await sidecar.send({ path: '/public', from: '127.0.0.2' })).status, 200)
  stalled[0]?.end()
  t.is((await held).status, 200)
  t.is((await sidecar.send({ path: '/public' })).status, 200)
})

test('the connection of a request too many is kept, unless the request is malformed', async (t) => {
  const { sidecar, stalled, arrived } = await stalling(t, { concurrentRequests: 1 })
  const held = sidecar.send({ path: '/stall', headers: HEADERS })
  await arrived(1)
  const connection = await openConnection(t, sidecar.port, { ca: sidecar.pki.rootCa.pem })
  t.is((await connection.send({ path: '/', headers: HEADERS })).status, 503)
  t.is((await connection.send({ path: '/', headers: HEADERS })).status, 503)
  const text = await sendRaw(
    sidecar.port,
    sidecar.pki.rootCa.pem,
    'GET / HTTP/1.1\r\nHost: localhost\r\nContent_Length: 5\r\n\r\n' +
      'GET /public HTTP/1.1\r\nHost: localhost\r\n\r\n',
  )
  t.regex(text, /^HTTP\/1\.1 400 /)
  t.is(text.match(/HTTP\/1\.1 /g)?.length, 1)
  t.like(sidecar.refusals(), [{ reason: 'header-name-disguised', status: 400 }])
  stalled[0]?.end()
  t.is((await held).status, 200)
  t.is((await connection.send({ path: '/', headers: HEADERS })).status, 200)
})

for (const behind of [[], ['/public', '/stall', '/']]) {
  test(`a request of a client that went away is not counted for ever, with ${behind.length} behind it`, async (t) => {
    const { sidecar, stalled, arrived } = await stalling(t, { concurrentRequests: 10 })
    const { port, pki } = sidecar
    const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca: pki.rootCa.pem })
    t.teardown(() => socket.destroy())
    const line = (path: string) =>
      `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${AUTHORIZATION}\r\n\r\n`
    socket.write(['/stall', ...behind].map(line).join(''))
    await arrived(1)
    // Those that are pipelined behind it wait for their turn.
    t.is(await underWay(sidecar), 1)
    socket.destroy()
    // While requests wait for their turn nothing is read, not even that there is nobody any more.
    if (behind.length > 0) stalled[0]?.end()
    t.true(await isIdle(sidecar))
  })
}

/** Keeps this process from doing anything at all. */
function block(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds)
}

test('a process that is late again and again takes no new requests until it has caught up', async (t) => {
  const { sidecar, stalled, arrived } = await stalling(t, { maxEventLoopDelay: '50ms' })
  const held = sidecar.send({ path: '/stall', headers: HEADERS })
  await arrived(1)
  let shed = 0
  for (let attempt = 0; attempt < 20 && shed === 0; attempt++) {
    block(300)
    const { status } = await sidecar.send({ path: '/', headers: HEADERS })
    if (status === 503) shed++
    else t.is(status, 200)
  }
  t.is(shed, 1)
  const line = sidecar.log.find(({ event }) => event === 'load.shed')
  t.like(line, { reason: 'overloaded', underWay: 1 })
  t.true(Number(line?.['eventLoopDelay']) > 50, JSON.stringify(line))
  let caught = false
  for (let attempt = 0; attempt < 200 && !caught; attempt++) {
    caught = (await sidecar.send({ path: '/', headers: HEADERS })).status === 200
  }
  t.true(caught)
  stalled[0]?.end()
  t.is((await held).status, 200)
})
