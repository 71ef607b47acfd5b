import { Agent } from 'node:https'
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connect } from 'node:tls'
import { once } from 'node:events'

import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { basic } from '../support/send.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { LogLine, Running } from '../support/start-sidecar.ts'
import { assertRefused, INVALID_CLIENT, tokenOf, tokenRequest } from '../support/token-request.ts'

/** Waits for so many log lines of an event. */
async function logged(running: Running, event: string, count = 1): Promise<readonly LogLine[]> {
  for (let tries = 0; tries < 2000; tries++) {
    const lines = running.log.filter((line) => line.event === event)
    if (lines.length >= count) return lines
    await pause(10)
  }
  throw new Error(`not logged ${count} times: ${event}\n${JSON.stringify(running.log, null, 1)}`)
}

const clientsFile = (...ids: readonly string[]) =>
  JSON.stringify({ clients: ids.map((id) => secretClient(id, `secret of ${id}`)) })

const askAs = (id: string) =>
  tokenRequest({ headers: { authorization: basic(id, `secret of ${id}`) } })

async function operations(running: Running, path_: string): Promise<string> {
  return (await fetch(`http://127.0.0.1:${running.sidecar.operationsPort}${path_}`)).text()
}

test('a change of the clients counts at once, and drops no connection', async (t) => {
  const running = await startSidecar(t, {
    watch: true,
    files: { 'clients.yaml': clientsFile('old', 'both') },
  })
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => {
    agent.destroy()
  })
  tokenOf(t, await running.send({ ...askAs('old'), agent }))
  assertRefused(t, running, await running.send(askAs('new')), {
    ...INVALID_CLIENT,
    reason: 'client-unknown',
  })

  running.write('clients.yaml', clientsFile('new', 'both'))
  await logged(running, 'config.reloaded')
  const [socket] = Object.values(agent.freeSockets).flat()
  tokenOf(t, await running.send({ ...askAs('new'), agent }))
  assertRefused(t, running, await running.send({ ...askAs('old'), agent }), {
    ...INVALID_CLIENT,
    reason: 'client-unknown',
  })
  t.is(Object.values(agent.freeSockets).flat()[0], socket)
  t.true(
    (await operations(running, '/metrics')).includes(
      'vouchgate_config_reload_total{result="success"} 1',
    ),
  )
})

test('what is broken is not taken, and the log, a metric and readiness say so', async (t) => {
  const running = await startSidecar(t, {
    watch: true,
    files: { 'clients.yaml': clientsFile('batch') },
  })
  const breaks = ['clients: [', '', 'clients: [{}]', '\0', clientsFile('a', 'a')]
  for (const [index, text] of breaks.entries()) {
    running.write('clients.yaml', text)
    const failures = await logged(running, 'config.reload-failed', index + 1)
    t.regex(
      String(failures[index]?.['message']),
      /^1 error; the configuration before it goes on serving$/,
    )
    tokenOf(t, await running.send(askAs('batch')))
  }
  const errors = running.log.filter(({ event }) => event === 'config.error')
  t.is(errors.length, breaks.length)
  for (const { at } of errors) t.regex(String(at), /^clients\.yaml:\d+:\d+$/)
  t.is(
    await operations(running, '/readyz'),
    'ok\nthe last reload failed; an older configuration is serving\n',
  )
  t.true(
    (await operations(running, '/metrics')).includes(
      'vouchgate_config_reload_total{result="failure"} 5',
    ),
  )

  running.write('clients.yaml', clientsFile('other'))
  await logged(running, 'config.reloaded')
  t.is(await operations(running, '/readyz'), 'ok\n')
  tokenOf(t, await running.send(askAs('other')))
})

test('a file that is taken away and put back is waited for', async (t) => {
  const running = await startSidecar(t, {
    watch: true,
    files: { 'clients.yaml': clientsFile('batch') },
  })
  rmSync(path.join(running.folder, 'clients.yaml'))
  await logged(running, 'config.reload-failed')
  tokenOf(t, await running.send(askAs('batch')))
  running.write('clients.yaml', clientsFile('batch'))
  await logged(running, 'config.reloaded')
})

test('a request that is under way keeps what it was judged by', async (t) => {
  const { promise: release, resolve } = Promise.withResolvers<void>()
  const running = await startSidecar(t, {
    files: { 'clients.yaml': clientsFile('batch') },
    answer: (_request, response) => void release.then(() => response.end('late')),
  })
  const request = { path: '/slow', headers: { authorization: basic('batch', 'secret of batch') } }
  const before = running.send(request)
  while (running.upstream.arrived.length === 0) await pause(5)
  running.configure({
    routes: [{ path: '/slow', scopes: ['nobody'] }],
    upstream: 'http://127.0.0.1:1',
  })
  running.write('clients.yaml', clientsFile('other'))
  t.true(await running.sidecar.reload())
  t.is((await running.send(request)).status, 401)
  resolve()
  const answer = await before
  t.is(answer.status, 200)
  t.is(answer.text, 'late')
})

test('a new certificate is shown without dropping a connection, even when its two files come one by one', async (t) => {
  const running = await startSidecar(t, {
    watch: true,
    files: { 'clients.yaml': clientsFile('batch') },
  })
  const { leaf, rootCa, server } = running.pki
  const next = await leaf({
    subject: 'CN=localhost',
    extendedKeyUsage: ['serverAuth'],
    sans: { dns: ['localhost'], ip: ['127.0.0.1'] },
  })
  const shown = async () => {
    const socket = connect({
      port: running.port,
      host: '127.0.0.1',
      servername: 'localhost',
      ca: rootCa.pem,
    })
    await once(socket, 'secureConnect')
    const fingerprint = socket.getPeerX509Certificate()?.fingerprint256
    socket.destroy()
    return fingerprint
  }
  t.is(await shown(), server.x509.fingerprint256)
  running.write('tls.crt', next.cert)
  await logged(running, 'config.reload-failed')
  t.like(
    running.log.find(({ event }) => event === 'config.error'),
    { at: 'vouchgate.yaml:7:12' },
  )
  t.is(await shown(), server.x509.fingerprint256)
  tokenOf(t, await running.send(askAs('batch')))
  running.write('tls.key', next.key)
  await logged(running, 'config.reloaded')
  t.is(await shown(), next.x509.fingerprint256)
  t.false(JSON.stringify(running.log).includes('PRIVATE'))
})

/** Fills a folder as kubelet fills a mounted volume, in one step. */
function mount(folder: string, version: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(path.join(folder, `..${version}`), { recursive: true })
  for (const [name, text] of Object.entries(files)) {
    writeFileSync(path.join(folder, `..${version}`, name), text)
  }
  symlinkSync(`..${version}`, path.join(folder, '..data_tmp'))
  renameSync(path.join(folder, '..data_tmp'), path.join(folder, '..data'))
}

test('a mounted volume that is swapped counts, each time', async (t) => {
  const running = await startSidecar(t, {
    watch: true,
    files: { 'clients.yaml': clientsFile(), 'mount/.keep': '' },
  })
  const folder = path.join(running.folder, 'mount')
  mount(folder, 'first', { 'clients.yaml': clientsFile('first') })
  symlinkSync('..data/clients.yaml', path.join(folder, 'clients.yaml'))
  running.configure({ clients: 'mount/clients.yaml' })
  await logged(running, 'config.reloaded', 1)
  tokenOf(t, await running.send(askAs('first')))
  for (const [index, version] of ['second', 'third'].entries()) {
    mount(folder, version, { 'clients.yaml': clientsFile(version) })
    await logged(running, 'config.reloaded', index + 2)
    tokenOf(t, await running.send(askAs(version)))
  }
})

test('an anchor that is taken away vouches for nobody any more', async (t) => {
  const running = await startSidecar(t, {
    watch: true,
    clients: [
      { clientId: 'named', clientSecrets: [{ type: 'X509Name', value: 'CN=client, O=Example' }] },
    ],
  })
  const { client, otherCa, otherClient, rootCa } = running.pki
  const as = ({ cert, key }: typeof client) =>
    tokenRequest({ form: { client_id: 'named' }, cert, key })
  tokenOf(t, await running.send(as(client)))
  running.write('ca.crt', otherCa.pem)
  await logged(running, 'config.reloaded')
  assertRefused(t, running, await running.send(as(client)), {
    ...INVALID_CLIENT,
    reason: 'chain-untrusted',
  })
  tokenOf(t, await running.send(as(otherClient)))
  running.write('ca.crt', 'no certificate')
  await logged(running, 'config.reload-failed')
  running.write('ca.crt', rootCa.pem)
  await logged(running, 'config.reloaded', 2)
  tokenOf(t, await running.send(as(client)))
})

/** A store that reads its file, then is overtaken by a change before it is done. */
const OVERTAKEN = `
import { readFileSync, writeFileSync } from 'node:fs'
export default {
  contract: 1,
  setup(_, host) {
    const file = host.resolve('ids.txt')
    return {
      watches: [file],
      async load() {
        const id = readFileSync(file, 'utf8')
        const next = { first: 'second', third: 'fourth' }[id]
        if (next) await new Promise((resolve) => setTimeout(resolve, 50))
        if (next) writeFileSync(file, next)
        const value = { clientId: id, clientSecrets: [] }
        return { definitions: [{ value, locate: () => file }], faults: [] }
      },
    }
  },
}`

test('a change that comes while the file is being read is not missed', async (t) => {
  const running = await startSidecar(t, {
    watch: true,
    settings: { plugins: ['mounted'], clients: { use: 'overtaken' } },
    files: { 'mounted/client-stores/overtaken.js': OVERTAKEN, 'ids.txt': 'first' },
  })
  const isThere = (id: string) =>
    running.sidecar.snapshot.authentication.registry.find(id) !== undefined
  // At the start …
  while (!isThere('second')) await pause(10)
  // … and while it is loaded anew.
  running.write('ids.txt', 'third')
  while (!isThere('fourth')) await pause(10)
  t.false(isThere('second'))
})

test('a plugin that changes, or comes, is loaded and logged; those that stay are not logged again', async (t) => {
  const headers = (value: string) => `export default {
    contract: 1,
    setup: () => ({ names: ['X-Own'], headers: () => ({ 'X-Own': '${value}' }) }),
  }`
  const running = await startSidecar(t, {
    watch: true,
    settings: { plugins: ['mounted'], identity: { headers: ['own'] } },
    files: {
      'mounted/identity-headers/own.js': headers('first'),
      'clients.yaml': clientsFile('batch'),
    },
  })
  const request = { path: '/', headers: { authorization: basic('batch', 'secret of batch') } }
  const told = async () => running.arrivedOf(await running.send(request))[0]?.headers['x-own']
  t.is(await told(), 'first')
  const atStart = running.log.filter(({ event }) => event === 'plugin.loaded').length
  running.write('mounted/identity-headers/own.js', headers('second'))
  await logged(running, 'config.reloaded')
  t.is(await told(), 'second')

  mkdirSync(path.join(running.folder, 'mounted/parsers'))
  running.write(
    'mounted/parsers/none.js',
    `export default {
    contract: 1,
    setup: () => ({ method: 'none', produces: 'none', parse: () => undefined }),
  }`,
  )
  await logged(running, 'config.reloaded', 2)
  running.write('mounted/parsers/none.js', 'syntax error')
  await logged(running, 'config.reload-failed')
  const lines = running.log.filter(({ event }) => event === 'plugin.loaded').slice(atStart)
  t.deepEqual(
    lines.map(({ slot, name }) => [slot, name].join('/')),
    ['identity-headers/own', 'parsers/none'],
  )
})

test('what counts after a restart only is said', async (t) => {
  const running = await startSidecar(t, { watch: true })
  running.configure({ listen: { maxConnections: 5 }, operations: { port: 1 } })
  await logged(running, 'config.reloaded')
  const notes = running.log.filter(({ event, at }) => event === 'config.note' && at === undefined)
  t.deepEqual(
    notes.map(({ message }) => message),
    [
      'listen has changed; that counts after a restart',
      'operations has changed; that counts after a restart',
    ],
  )
})

test('reloads that are asked for at once happen one after the other', async (t) => {
  const running = await startSidecar(t, { files: { 'clients.yaml': clientsFile('batch') } })
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => running.sidecar.reload()))
  t.deepEqual(outcomes, Array(5).fill(true))
  tokenOf(t, await running.send(askAs('batch')))
})
