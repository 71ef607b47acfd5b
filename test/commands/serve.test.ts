import { createServer, connect as connectTcp } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { basic, send } from '../support/send.ts'
import { writeConfiguration } from '../support/start-sidecar.ts'
import { pki } from '../support/pki.ts'
import { tokenOf, tokenRequest } from '../support/token-request.ts'
import { serve, vouchgate } from './support/vouchgate.ts'

const CLIENTS = [secretClient('batch', 'right')]
const authorization = basic('batch', 'right')

async function readiness(port: number) {
  const response = await fetch(`http://127.0.0.1:${port}/readyz`)
  return { status: response.status, body: await response.text() }
}

test('SIGHUP loads everything anew, SIGTERM lets requests end and takes no more', async (t) => {
  const { promise: release, resolve } = Promise.withResolvers<void>()
  const running = await serve(
    t,
    {
      clients: CLIENTS,
      answer: (_request, response) => void release.then(() => response.end('late')),
      settings: { listen: { drainTimeout: '10s' } },
    },
    { args: ['--no-watch'] },
  )
  const { port, operationsPort, child, folder } = running
  const ca = running.pki.rootCa.pem
  t.deepEqual(await readiness(operationsPort), { status: 200, body: 'ok\n' })
  tokenOf(t, await send(port, ca, tokenRequest({ headers: { authorization } })))

  writeFileSync(path.join(folder, 'clients.yaml'), 'clients: [')
  child.kill('SIGHUP')
  await running.logged('config.reload-failed')
  writeFileSync(
    path.join(folder, 'clients.yaml'),
    JSON.stringify({ clients: [...CLIENTS, secretClient('second', 'right')] }),
  )
  child.kill('SIGHUP')
  await running.logged('config.reloaded')
  const second = { headers: { authorization: basic('second', 'right') } }
  tokenOf(t, await send(port, ca, tokenRequest(second)))

  const answer = send(port, ca, { path: '/slow', headers: { authorization } })
  const silent = connectTcp(port, '127.0.0.1').on('error', () => undefined)
  await once(silent, 'connect')
  while (running.upstream.arrived.length === 0) await pause(5)
  child.kill('SIGTERM')
  await running.logged('stopping')
  t.deepEqual(await readiness(operationsPort), { status: 503, body: 'not ready\nstopping\n' })
  const refused = await t.throwsAsync<NodeJS.ErrnoException>(send(port, ca))
  t.is(refused?.code, 'ECONNREFUSED')
  resolve()
  t.is((await answer).text, 'late')
  t.is(await running.ended, 0)
})

test('when requests do not end in time they are cut off, and the exit code says so', async (t) => {
  const running = await serve(t, {
    clients: CLIENTS,
    answer: () => undefined,
    settings: { listen: { drainTimeout: '100ms' } },
  })
  const answer = t.throwsAsync(
    send(running.port, running.pki.rootCa.pem, { path: '/', headers: { authorization } }),
  )
  while (running.upstream.arrived.length === 0) await pause(5)
  running.child.kill('SIGINT')
  t.is(await running.ended, 1)
  await answer
})

for (const workers of [1, 2]) {
  test(`a signal that comes twice at once is one; one that comes again ends it at once: workers: ${workers}`, async (t) => {
    const running = await serve(t, {
      clients: CLIENTS,
      answer: () => undefined,
      settings: { workers, listen: { drainTimeout: '60s' } },
    })
    const answer = t.throwsAsync(
      send(running.port, running.pki.rootCa.pem, { path: '/', headers: { authorization } }),
    )
    while (running.upstream.arrived.length === 0) await pause(5)
    running.child.kill('SIGINT')
    running.child.kill('SIGTERM')
    await running.logged('stopping')
    await pause(600)
    t.is(running.child.exitCode, null)
    running.child.kill('SIGINT')
    t.is(await running.ended, 1)
    await answer
  })
}

test('what a plugin leaves behind does not keep it from ending', async (t) => {
  const plugin = `setInterval(() => undefined, 1000)
    export default { contract: 1, setup: () => ({ method: 'x', produces: 'x', parse: () => undefined }) }`
  const running = await serve(t, {
    settings: { plugins: ['mounted'] },
    files: { 'mounted/parsers/busy.js': plugin },
  })
  running.child.kill('SIGTERM')
  t.is(await running.ended, 0)
})

test('a configuration with faults does not start: all of them, exit code 2, no stack', async (t) => {
  const folder = writeConfiguration(t, await pki(), 1, {
    settings: { listen: { port: 'x' }, upstram: 1 },
  })
  const { code, stdout, stderr } = await vouchgate(['-c', 'vouchgate.yaml'], { cwd: folder })
  t.is(code, 2)
  t.is(stdout, '')
  const lines = stderr.trim().split('\n')
  t.is(lines.length, 3, stderr)
  t.regex(lines[0] ?? '', /^vouchgate\.yaml:\d+:\d+: listen\.port: must be a number, is text$/)
  t.regex(lines[1] ?? '', /^vouchgate\.yaml:\d+:\d+: upstram: is not a known setting; known here: /)
  t.is(lines[2], 'vouchgate: not started; "vouchgate check" says the same without starting')
})

test('what only a worker finds is told once as well, and no worker stays', async (t) => {
  const plugin = `import cluster from 'node:cluster'
    if (cluster.isWorker) throw new Error('not in a worker')
    export default { contract: 1, setup: () => ({ method: 'x', produces: 'x', parse: () => undefined }) }`
  const folder = writeConfiguration(t, await pki(), 1, {
    settings: { workers: 3, plugins: ['mounted'] },
    files: { 'mounted/parsers/picky.js': plugin },
  })
  const { code, stderr } = await vouchgate(['-c', 'vouchgate.yaml'], { cwd: folder })
  t.is(code, 2)
  const lines = stderr.trim().split('\n')
  t.is(lines.length, 2, stderr)
  t.regex(lines[0] ?? '', /^mounted\/parsers\/picky\.js: .*not in a worker/)
  t.is(lines[1], 'vouchgate: not started; "vouchgate check" says the same without starting')
})

test('a worker that ends while it begins ends the start', async (t) => {
  const plugin = `import cluster from 'node:cluster'
    if (cluster.isWorker) process.exit(7)
    export default { contract: 1, setup: () => ({ method: 'x', produces: 'x', parse: () => undefined }) }`
  const folder = writeConfiguration(t, await pki(), 1, {
    settings: { workers: 2, plugins: ['mounted'] },
    files: { 'mounted/parsers/leaving.js': plugin },
  })
  const { code, stderr } = await vouchgate(['-c', 'vouchgate.yaml'], { cwd: folder })
  t.is(code, 1)
  t.is(stderr, 'vouchgate: a worker has ended: exit code 7\n')
})

test('a port that is taken is told, with what to do', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const folder = writeConfiguration(t, await pki(), 1, {})
  for (const [flag, ...more] of [
    ['listen.port'],
    ['operations.port'],
    ['listen.port', '--set', 'workers=2'],
    ['operations.port', '--set', 'workers=2'],
  ]) {
    const args = ['--set', `${flag}=${port}`, ...more]
    const { code, stderr } = await vouchgate(args, { cwd: folder })
    t.is(code, 1)
    t.is(
      stderr,
      `vouchgate: 127.0.0.1:${port} is in use by another program; stop it, or choose another port ` +
        'with --set listen.port=… or --set operations.port=…\n',
    )
  }
})

test('the configuration is found where it is named, or in its usual places', async (t) => {
  const folder = writeConfiguration(t, await pki(), 1, {})
  const check = (args: readonly string[], env = {}) =>
    vouchgate(['check', ...args], { cwd: folder, env })
  t.regex((await check([])).stdout, /^vouchgate\.yaml: ok/)
  t.regex((await check(['-c', './vouchgate.yaml'])).stdout, /^vouchgate\.yaml: ok/)
  const named = await check([], { VOUCHGATE_CONFIG: 'nowhere.yaml' })
  t.is(named.code, 2)
  t.is(named.stderr, 'nowhere.yaml: does not exist\nnowhere.yaml: 1 fault\n')
})
