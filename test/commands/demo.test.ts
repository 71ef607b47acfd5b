import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'

import test from 'ava'

import { makeDevelopmentFiles } from '../../src/commands/demo/development-files.ts'
import { shellWord } from '../../src/commands/demo/ways-in.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { BIN, cleanEnvironment, ROOT, vouchgate } from './support/vouchgate.ts'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test('the demonstration runs, every command that it shows succeeds as pasted, and it stops when told', async (t) => {
  const folder = path.join(temporaryFolder(t), 'a folder of its own')
  const ours = [path.join(ROOT, 'dev'), path.join(ROOT, 'data')].map((one) => existsSync(one))
  const ports = [
    '--port',
    String(await freePort()),
    '--upstream-port',
    '0',
    '--operations-port',
    '0',
  ]
  const args = ['demo', '--folder', folder, ...ports]
  const child = spawn(process.execPath, [BIN, ...args], { cwd: ROOT, env: cleanEnvironment() })
  t.teardown(() => child.kill('SIGKILL'))
  let shown = ''
  child.stdout.on('data', (chunk) => (shown += String(chunk)))
  child.stderr.on('data', (chunk) => (shown += String(chunk)))
  while (!/the API, by a certificate alone\n.*\n/.test(shown)) {
    if (child.exitCode !== null) throw new Error(shown)
    await pause(20)
  }
  const ways = [...shown.matchAll(/^# (?<title>.+)\n(?<command>.+)$/gm)].map(
    ({ groups }) => groups ?? {},
  )
  t.is(ways.length, 7)
  for (const { title = '', command = '' } of ways) {
    // Offline, so that a program of our name from somewhere else would not be taken.
    const env = { ...cleanEnvironment(), npm_config_offline: 'true', npm_config_yes: 'false' }
    const { stdout } = await promisify(execFile)('bash', ['-c', command], { cwd: ROOT, env })
    const answer = JSON.parse(stdout) as Record<string, unknown>
    if (title.startsWith('a token')) {
      t.is(answer['token_type'], 'Bearer', title)
    } else {
      t.like(answer, { method: 'GET', path: '/orders/1' }, title)
      const headers = answer['headers'] as Record<string, string>
      t.is(headers['x-client-id'], title.includes('bearer') ? 'signer' : 'billing')
    }
  }
  child.kill('SIGTERM')
  const [code] = (await once(child, 'close')) as [number | null]
  t.is(code, 0, shown)
  t.deepEqual(readdirSync(folder).toSorted(), ['config', 'data', 'dev'])
  t.deepEqual(
    [path.join(ROOT, 'dev'), path.join(ROOT, 'data')].map((one) => existsSync(one)),
    ours,
  )
})

test('a port that is taken is told, with the flag that chooses another', async (t) => {
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  t.teardown(() => taken.close())
  const { port } = taken.address() as AddressInfo
  const folder = temporaryFolder(t)
  const demo = (...flags: readonly string[]) => vouchgate(['demo', '--folder', folder, ...flags])
  const upstream = await demo('--upstream-port', String(port))
  t.is(upstream.code, 1)
  t.is(
    upstream.stderr,
    `vouchgate demo: port ${port} is in use by another program; choose another one with --upstream-port\n`,
  )
  const sidecar = await demo(
    '--upstream-port',
    '0',
    '--operations-port',
    '0',
    '--port',
    String(port),
  )
  t.is(sidecar.code, 1)
  t.is(
    sidecar.stderr,
    `vouchgate: 127.0.0.1:${port} is in use by another program; stop it, or choose another port ` +
      'with --port and --operations-port\n',
  )
})

test('development files are made once, and anew when they have nearly ended or are damaged', async (t) => {
  const folder = path.join(temporaryFolder(t), 'dev')
  const now = new Date()
  t.true(await makeDevelopmentFiles(folder, now))
  t.false(await makeDevelopmentFiles(folder, now))
  const later = new Date(now.getTime() + 89.5 * 86_400_000)
  t.true(await makeDevelopmentFiles(folder, later))
  const damaged = temporaryFolder(t, { 'tls.crt': 'not a certificate' })
  t.true(await makeDevelopmentFiles(damaged, now))
})

test('any text is one word of the shell', async (t) => {
  for (const text of ['dev/a', 'a b', "it's", '$HOME', '"', '`x`', 'a\\', '*', '~', '', 'é']) {
    const { stdout } = await promisify(execFile)('sh', [
      '-c',
      `printf '%s|' ${shellWord(text)} end`,
    ])
    t.is(stdout, `${text}|end|`)
  }
})
