import { randomUUID } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'

import ava from 'ava'
import type { ExecutionContext } from 'ava'
import { createClient } from 'redis'

import type { StateStore } from '#contract'

import plugin from '../../../plugins/state-stores/redis/index.ts'
import { aHost } from '../../contract/build.ts'
import type { TestHost } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'
import { pki } from '../../support/pki.ts'
import { freePort, redisServer, redisTest } from '../../support/redis-server.ts'
import type { RedisServer } from '../../support/redis-server.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const test = redisTest(ava)

// One server for all that do no harm to it; a store is alone under its prefix.
const endings: (() => unknown)[] = []
let started: Promise<RedisServer> | undefined
const shared = () => (started ??= redisServer({ teardown: (end) => endings.push(end) }))
ava.after.always(async () => {
  for (const end of endings) await end()
})

// The machine may be busy with other tests; where a limit matters the test sets its own.
const PATIENT = { connectTimeout: '20s', commandTimeout: '20s' }

const FUTURE = new Date(4e12)

async function openStore(
  t: ExecutionContext,
  options: Readonly<Record<string, unknown>>,
  host: TestHost = aHost(),
): Promise<StateStore> {
  const store = await setUp(plugin, { ...PATIENT, ...options }, host)
  t.teardown(() => store.close())
  return store
}

/** A client that can do what a store cannot. */
async function administrator(t: ExecutionContext, port: number, password?: string) {
  const client = createClient({ socket: { port }, ...(password !== undefined && { password }) })
  client.on('error', () => undefined)
  await client.connect()
  t.teardown(() => {
    client.destroy()
  })
  return client
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await delay(20)
}

async function works(store: StateStore): Promise<boolean> {
  return store.set('probe', '').then(
    () => true,
    () => false,
  )
}

test('it says that it is shared and durable', async (t) => {
  const { port } = await shared()
  t.like(await openStore(t, { port }), { shared: true, durable: true })
})

test('a server that is not there is an error that names it', async (t) => {
  const { port, kill } = await redisServer(t)
  await kill()
  const message = new RegExp(`^Redis at 127\\.0\\.0\\.1:${port} cannot be used: .*ECONNREFUSED`)
  await t.throwsAsync(openStore(t, { port }), { message })
})

test('of a hundred claims through two stores exactly one wins', async (t) => {
  const { port } = await shared()
  const keyPrefix = randomUUID()
  const one = await openStore(t, { port, keyPrefix })
  const other = await openStore(t, { port, keyPrefix })
  const claims = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      (index % 2 === 0 ? one : other).add('claim', '', FUTURE),
    ),
  )
  t.is(claims.filter(Boolean).length, 1)
})

test('stores with other prefixes or databases do not meet', async (t) => {
  const { port } = await shared()
  const keyPrefix = randomUUID()
  const one = await openStore(t, { port, keyPrefix })
  const others = [
    await openStore(t, { port, keyPrefix: randomUUID() }),
    await openStore(t, { port, keyPrefix, database: 1 }),
  ]
  const heard: string[] = []
  for (const other of others) {
    await other.subscribe('news', (message) => heard.push(message))
    t.true(await other.add('claim', ''))
  }
  t.true(await one.add('claim', ''))
  const { promise, resolve } = Promise.withResolvers<void>()
  await one.subscribe('news', () => {
    resolve()
  })
  await one.publish('news', 'for the one alone')
  await promise
  t.deepEqual(heard, [])
})

test('every key lies under the prefix and has its end', async (t) => {
  const { port } = await redisServer(t)
  const store = await openStore(t, { port })
  await store.set('a', '1', FUTURE)
  await store.add('b', '1', FUTURE)
  await store.increment('c', FUTURE)
  const client = await administrator(t, port)
  const keys = (await client.keys('*')).toSorted()
  t.deepEqual(keys, ['vouchgate:a', 'vouchgate:b', 'vouchgate:c'])
  for (const key of keys) t.is(await client.pExpireTime(key), FUTURE.getTime())
})

test('a key that holds something foreign is an error to read and no free claim', async (t) => {
  const { port } = await redisServer(t)
  const store = await openStore(t, { port })
  await (await administrator(t, port)).lPush('vouchgate:a', 'a list')
  await t.throwsAsync(store.get('a'), { message: /WRONGTYPE/ })
  await t.throwsAsync(store.increment('a', FUTURE), { message: /WRONGTYPE/ })
  t.false(await store.add('a', '1', FUTURE))
})

test('killed and started again it has every claim that was answered, and messages come as before', async (t) => {
  const server = await redisServer(t)
  const host = aHost()
  const store = await openStore(t, { port: server.port }, host)
  const heard: string[] = []
  const told: boolean[] = []
  await store.subscribe('news', (message) => heard.push(message))
  store.onConnection?.((connected) => told.push(connected))
  const keys = Array.from({ length: 200 }, () => randomUUID())
  const claims = Promise.allSettled(keys.map((key) => store.add(key, '', FUTURE)))
  await server.kill()
  const answered = (await claims).flatMap(({ status }, index) =>
    status === 'fulfilled' ? [keys[index] ?? ''] : [],
  )
  await until(() => told.includes(false))
  await t.throwsAsync(store.add('claim', '', FUTURE), { message: /out of reach/ })
  await t.throwsAsync(store.get('claim'), { message: /out of reach/ })
  await t.throwsAsync(store.publish('news', 'lost'), { message: /out of reach/ })
  await t.throwsAsync(store.subscribe('other', () => undefined))

  await server.start()
  await until(() => told.at(-1) === true)
  t.deepEqual(told, [false, true])
  const again = await Promise.all(answered.map((key) => store.add(key, '', FUTURE)))
  t.deepEqual(again.filter(Boolean), [])
  await store.publish('news', 'after')
  await until(() => heard.length > 0)
  t.deepEqual(heard, ['after'])
  t.true(host.lines.some((line) => line.startsWith('warn Redis is gone for commands')))
  t.true(host.lines.includes('info Redis is there for messages'))
})

test('a server that is silent is given up after a few commands, and taken again when it speaks', async (t) => {
  const server = await redisServer(t)
  const store = await openStore(t, { port: server.port, commandTimeout: '300ms' })
  const told: boolean[] = []
  store.onConnection?.((connected) => told.push(connected))
  server.freeze()
  await t.throwsAsync(store.get('a'), { message: 'no answer in 300 ms' })
  await until(() => told.includes(false))
  await t.throwsAsync(store.add('claim', '', FUTURE), { message: /out of reach/ })
  server.thaw()
  await until(() => works(store))
  t.true(await store.add('claim', '', FUTURE))
})

test('silence of the messages alone is noticed', async (t) => {
  const { port } = await redisServer(t)
  const store = await openStore(t, { port })
  const told: boolean[] = []
  const heard: string[] = []
  await store.subscribe('news', (message) => heard.push(message))
  store.onConnection?.((connected) => told.push(connected))
  const client = await administrator(t, port)
  const clients = await client.sendCommand<string>(['CLIENT', 'LIST', 'TYPE', 'PUBSUB'])
  await client.sendCommand(['CLIENT', 'KILL', 'ID', /id=(\d+)/.exec(clients)?.[1] ?? ''])
  await until(() => told.at(-1) === true)
  t.deepEqual(told, [false, true])
  await store.publish('news', 'after')
  await until(() => heard.length > 0)
  t.deepEqual(heard, ['after'])
})

test('more commands at once than may wait fail instead of waiting', async (t) => {
  const server = await redisServer(t)
  const store = await openStore(t, { port: server.port, maxPending: 10 })
  server.freeze()
  const outcomes = Promise.allSettled(Array.from({ length: 30 }, () => store.get('a')))
  server.thaw()
  const reasons = (await outcomes).flatMap((one) =>
    one.status === 'rejected' ? [String(one.reason)] : [],
  )
  t.true(reasons.length >= 19, String(reasons.length))
  t.true(reasons.every((reason) => reason.includes('queue is full')))
})

test('a user and password come by reference, and a new password counts at the next connection', async (t) => {
  const { port } = await redisServer(t)
  const admin = await administrator(t, port)
  const rights =
    '~vouchgate:* &vouchgate:* -@all +@read +@write +@pubsub +eval +ping +hello +client'
  await admin.sendCommand(['ACL', 'SETUSER', 'gate', 'on', '>first', ...rights.split(' ')])
  const folder = temporaryFolder(t)
  writeFileSync(path.join(folder, 'password'), 'first\n')
  const host = aHost({ resolve: (file) => path.join(folder, file) })
  const store = await openStore(t, { port, username: 'gate', password: { file: 'password' } }, host)
  t.is(await store.increment('a', FUTURE), 1)
  await store.subscribe('news', () => undefined)

  await admin.sendCommand(['ACL', 'SETUSER', 'gate', 'resetpass', '>second'])
  writeFileSync(path.join(folder, 'password'), 'second\n')
  await admin.sendCommand(['CLIENT', 'KILL', 'USER', 'gate'])
  await until(() => works(store))
  t.is(await store.increment('a', FUTURE), 2)

  const wrong = openStore(t, { port, username: 'gate', password: { env: 'PATH' } })
  await t.throwsAsync(wrong, { message: /cannot be used: .*WRONGPASS/ })
  const unset = openStore(t, { port, password: { env: 'VOUCHGATE_NOT_SET' } })
  await t.throwsAsync(unset, { message: /VOUCHGATE_NOT_SET holds no password/ })
})

test('a password in the configuration itself is refused', async (t) => {
  await t.throwsAsync(setUp(plugin, { password: 'secret' }), { message: /must be kept elsewhere/ })
  await t.throwsAsync(setUp(plugin, { passwort: {} }))
  await t.throwsAsync(setUp(plugin, { tls: { certificate: 'a.crt' } }), { message: /go together/ })
  await t.throwsAsync(setUp(plugin, { socket: 'a', tls: true }), { message: /Unix socket/ })
  await t.throwsAsync(setUp(plugin, { commandTimeout: '0s' }), { message: /between/ })
})

test('TLS with a certificate of our own; a server that nobody vouches for is refused', async (t) => {
  const { rootCa, otherCa, server: identity, client } = await pki()
  const folder = temporaryFolder(t)
  const files = {
    'ca.crt': rootCa.pem,
    'other.crt': otherCa.pem,
    'server.crt': identity.cert,
    'server.key': identity.key,
    'client.crt': client.cert,
    'client.key': client.key,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text)
  const file = (name: string) => path.join(folder, name)
  const port = await freePort()
  await redisServer(t, [
    ...`--tls-port ${port} --tls-ca-cert-file ${file('ca.crt')}`.split(' '),
    ...`--tls-cert-file ${file('server.crt')} --tls-key-file ${file('server.key')}`.split(' '),
  ])
  const own = { certificate: file('client.crt'), key: file('client.key') }
  const tls = { ca: file('ca.crt'), servername: 'localhost', ...own }
  const store = await openStore(t, { port, tls })
  t.true(await store.add('claim', '', FUTURE))

  const { certificate: _, key: __, ...anonymous } = tls
  await t.throwsAsync(openStore(t, { port, tls: anonymous }), { message: /cannot be used/ })
  const distrustful = openStore(t, { port, tls: { ...tls, ca: file('other.crt') } })
  await t.throwsAsync(distrustful, { message: /unable to verify|self-signed|local issuer/ })
  const elsewhere = openStore(t, { port, tls: { ...tls, servername: 'redis.example' } })
  await t.throwsAsync(elsewhere, { message: /does not match/ })
})

test('a Unix socket will do', async (t) => {
  const folder = temporaryFolder(t)
  const socket = path.join(folder, 'redis.sock')
  await redisServer(t, ['--unixsocket', socket])
  const store = await openStore(t, { socket })
  t.true(await store.add('claim', '', FUTURE))
})

test('a server that may forget is warned of', async (t) => {
  const settings = '--appendonly no --maxmemory 100mb --maxmemory-policy volatile-lru'
  const { port } = await redisServer(t, settings.split(' '))
  const host = aHost()
  await openStore(t, { port }, host)
  await until(() => host.lines.some((line) => /^warn .*append-only/.test(line)))
  t.true(host.lines.some((line) => /^warn .*maxmemory-policy volatile-lru/.test(line)))
  const careful = aHost()
  await works(await openStore(t, { port: (await shared()).port }, careful))
  t.deepEqual(
    careful.lines.filter((line) => line.startsWith('warn')),
    [],
  )
})
