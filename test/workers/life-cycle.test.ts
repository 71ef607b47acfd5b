import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { connect as connectTcp } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from 'node:tls'
import { once } from 'node:events'

import test from 'ava'

import { serve } from '../commands/support/vouchgate.ts'
import type { Serving } from '../commands/support/vouchgate.ts'
import { secretClient } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { basic } from '../support/send.ts'
import { tokenOf, tokenRequest } from '../support/token-request.ts'
import { eachWorker } from './support/each-worker.ts'

const CLIENTS = [secretClient('batch', 'right', { accessTokenType: 'Reference' })]
const authorization = basic('batch', 'right')

/** Answers of the API that wait for a bell. */
function bell() {
  const { promise: rung, resolve: ring } = Promise.withResolvers<void>()
  return { rung, ring }
}
let slow = bell()

// One program of three processes: these tests are steps of its life, and come one after the other.
let running: Serving
const endings: (() => unknown)[] = []
const ending = { teardown: (end: () => unknown) => endings.unshift(end) }
test.before(async () => {
  running = await serve(ending, {
    settings: {
      workers: 2,
      listen: { drainTimeout: '20s', handshakeTimeout: '1h' },
      state: { use: 'sqlite', path: 'state.db' },
    },
    clients: CLIENTS,
    answer: (request, response) => {
      if (request.url === '/slow') void slow.rung.then(() => response.end('late'))
      else response.end('soon')
    },
  })
})
test.after.always(async () => {
  for (const end of endings) await end()
})

async function operations(name: 'readyz' | 'metrics') {
  const response = await fetch(`http://127.0.0.1:${running.operationsPort}/${name}`)
  return { status: response.status, text: await response.text() }
}

async function metric(name: string): Promise<number> {
  const { text } = await operations('metrics')
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return Number(line?.slice(name.length + 1))
}

/** Waits for as long as the test may take. */
async function until<T>(look: () => T | undefined | Promise<T | undefined>): Promise<T> {
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop
    const found = await look()
    if (found !== undefined) return found
    // oxlint-disable-next-line no-await-in-loop
    await pause(20)
  }
}

/** The present process of a worker. */
function pidOf(worker: number, log = running.log): number {
  const line = log.findLast((one) => one.event === 'worker.serves' && one['worker'] === worker)
  return Number(line?.['pid'])
}

function isAlive(pid: number): boolean {
  const file = `/proc/${pid}/stat`
  // A zombie is one whose parent has not looked yet.
  return existsSync(file) && !/\) [ZX] /.test(readFileSync(file, 'latin1'))
}

const OK_REQUESTS = 'vouchgate_requests_total{status="2xx"}'

test.serial('the metrics are those of all workers together', async (t) => {
  const workers = await eachWorker(t, running)
  const refused = 'vouchgate_refusals_total{error="invalid_client",reason="no-credentials"}'
  const before = await metric(refused)
  for (const [index, worker] of workers.entries()) {
    for (let count = 0; count < 3 + index; count++) {
      t.is((await worker.send({ headers: { authorization } })).status, 200)
      t.is((await worker.send()).status, 401)
    }
  }
  t.is(running.upstream.arrived.length, 7)
  t.is(await metric(OK_REQUESTS), 7)
  t.is(await metric(refused), before + 7)
  t.is(await metric('vouchgate_workers{state="serving"}'), 2)
  t.deepEqual(await operations('readyz'), { status: 200, text: 'ok\n' })
})

test.serial(
  'a worker that is killed is replaced; others and the state do not feel it',
  async (t) => {
    const [one, other] = await eachWorker(t, running)
    const token = tokenOf(t, await one.send(tokenRequest({ headers: { authorization } })))
    const counted = await metric(OK_REQUESTS)
    const killed = pidOf(1)
    slow = bell()
    const underWay = { path: '/slow', headers: { authorization } }
    const arrived = running.upstream.arrived.length
    const lost = t.throwsAsync(one.send(underWay))
    const kept = other.send(underWay)
    await until(() => (running.upstream.arrived.length === arrived + 2 ? true : undefined))
    // Of connections that come now one waits for this worker, and must not wait for ever.
    process.kill(killed, 'SIGSTOP')
    const waiting = Array.from({ length: 3 }, () => connectTcp(running.port, '127.0.0.1'))
    await Promise.all(waiting.map((socket) => once(socket, 'connect')))
    const closed = waiting.map((socket) =>
      once(
        socket.resume().on('error', () => undefined),
        'close',
      ),
    )
    process.kill(killed, 'SIGKILL')
    await lost
    await Promise.race(closed)
    for (const socket of waiting) socket.destroy()
    slow.ring()
    t.is((await kept).text, 'late')
    t.is((await other.send({ headers: { authorization } })).status, 200)
    await until(() => (pidOf(1) === killed ? undefined : true))
    t.like(
      running.log.find(({ event }) => event === 'worker.ended'),
      { worker: 1, pid: killed, signal: 'SIGKILL', level: 'error' },
    )
    for (const worker of await eachWorker(t, running)) {
      const headers = { authorization: `Bearer ${token}` }
      t.is((await worker.send({ headers })).status, 200)
    }
    // The two of before, and two by token.
    t.is(await metric(OK_REQUESTS), counted + 4)
    t.is(await metric('vouchgate_worker_ends_total'), 1)
    t.is(await metric('vouchgate_workers{state="serving"}'), 2)
    t.deepEqual(await operations('readyz'), { status: 200, text: 'ok\n' })
  },
)

/** A TLS session, and whether it was resumed. */
async function handshake(session?: Buffer) {
  const socket = connect({
    port: running.port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: running.pki.rootCa.pem,
    maxVersion: 'TLSv1.2',
    ...(session && { session }),
  })
  await once(socket, 'secureConnect')
  const seen = {
    session: socket.getSession(),
    reused: socket.isSessionReused(),
    serial: socket.getPeerCertificate().serialNumber,
  }
  socket.destroy()
  return seen
}

test.serial('a reload reaches all workers, and ends the sessions of before', async (t) => {
  const { session, serial } = await handshake()
  for (let count = 0; count < 2; count++) t.true((await handshake(session)).reused)
  const { leaf } = await pki()
  const renewed = await leaf({ extendedKeyUsage: ['serverAuth'], sans: { dns: ['localhost'] } })
  const clients = [...CLIENTS, secretClient('second', 'right')]
  writeFileSync(path.join(running.folder, 'tls.crt'), renewed.cert)
  writeFileSync(path.join(running.folder, 'tls.key'), renewed.key)
  writeFileSync(path.join(running.folder, 'clients.yaml'), JSON.stringify({ clients }))
  await running.logged('config.reloaded')
  for (const worker of await eachWorker(t, running)) {
    const headers = { authorization: basic('second', 'right') }
    t.is((await worker.send({ headers })).status, 200)
  }
  for (let count = 0; count < 2; count++) {
    const now = await handshake(session)
    t.false(now.reused)
    t.not(now.serial, serial)
  }
  t.is(await metric('vouchgate_config_reload_total{result="success"}'), 1)
})

test.serial('a broken configuration changes no worker, and keeps a new one waiting', async (t) => {
  const file = path.join(running.folder, 'clients.yaml')
  const sound = readFileSync(file, 'utf8')
  const workers = await eachWorker(t, running)
  writeFileSync(file, 'clients: [')
  await running.logged('config.reload-failed')
  t.is(running.log.filter(({ event }) => event === 'config.error').length, 1)
  for (const worker of workers) {
    t.is((await worker.send({ headers: { authorization } })).status, 200)
  }
  t.is(await metric('vouchgate_config_reload_total{result="failure"}'), 1)

  const killed = pidOf(2)
  process.kill(killed, 'SIGKILL')
  await running.logged('worker.failed')
  t.deepEqual(await operations('readyz'), {
    status: 200,
    text: 'ok\nworker 2 is being started\nthe last reload failed; an older configuration is serving\n',
  })
  t.is((await workers[0].send({ headers: { authorization } })).status, 200)
  writeFileSync(file, sound)
  await until(() => (pidOf(2) === killed ? undefined : true))
  await until(async () => ((await operations('readyz')).text === 'ok\n' ? true : undefined))
  await eachWorker(t, running)
})

test.serial(
  'SIGTERM lets the requests of all workers end, and leaves no process behind',
  async (t) => {
    const workers = await eachWorker(t, running)
    const pids = [pidOf(1), pidOf(2)]
    slow = bell()
    const arrived = running.upstream.arrived.length
    const answers = workers.map((one) => one.send({ path: '/slow', headers: { authorization } }))
    await until(() => (running.upstream.arrived.length === arrived + 2 ? true : undefined))
    running.child.kill('SIGTERM')
    // As a terminal and a service manager do, to all at once.
    for (const pid of pids) process.kill(pid, 'SIGTERM')
    await running.logged('stopping')
    t.deepEqual(await operations('readyz'), { status: 503, text: 'not ready\nstopping\n' })
    // One that the port took in its last moment is reset.
    const refused = async () =>
      handshake().then(
        () => undefined,
        ({ code }: NodeJS.ErrnoException) => (code === 'ECONNREFUSED' ? true : undefined),
      )
    t.true(await until(refused))
    slow.ring()
    t.deepEqual(
      (await Promise.all(answers)).map(({ text }) => text),
      ['late', 'late'],
    )
    t.is(await running.ended, 0)
    t.deepEqual(pids.filter(isAlive), [])
  },
)

test('when the primary is killed the workers let their requests end, and end', async (t) => {
  const held = bell()
  const orphaned = await serve(t, {
    settings: { workers: 2, listen: { drainTimeout: '20s' } },
    clients: CLIENTS,
    answer: (_request, response) => void held.rung.then(() => response.end('late')),
  })
  const [one] = await eachWorker(t, orphaned)
  const answer = one.send({ headers: { authorization } })
  await until(() => orphaned.upstream.arrived[0])
  const pids = [1, 2].map((worker) => pidOf(worker, orphaned.log))
  t.true(pids.every(isAlive))
  orphaned.child.kill('SIGKILL')
  await orphaned.ended
  held.ring()
  t.is((await answer).text, 'late')
  await until(() => (pids.some(isAlive) ? undefined : true))
  t.deepEqual(pids.filter(isAlive), [])
})
