import { execFileSync } from 'node:child_process'
import { cpSync, existsSync } from 'node:fs'
import path from 'node:path'

import test from 'ava'

import { temporaryFolder } from '../support/temporary-folder.ts'
import { BIN, ROOT, cleanEnvironment, serve, vouchgate } from './support/vouchgate.ts'

/** A Node that cannot run us, when this machine has one. */
const oldNode = (process.env['PATH'] ?? '')
  .split(path.delimiter)
  .map((folder) => path.join(folder, 'node'))
  .filter((file) => !file.includes('node_modules') && existsSync(file))
  .find((file) => {
    const [major = 0, minor = 0] = String(execFileSync(file, ['-p', 'process.versions.node']))
      .split('.')
      .map(Number)
    return major >= 14 && (major < 24 || major === 25 || (major === 24 && minor < 12))
  })
const onOldNode = oldNode === undefined ? test.skip : test

onOldNode('on a Node that is too old the one that came along runs it', async (t) => {
  const { code, stdout, stderr } = await vouchgate(['--version'], { node: oldNode ?? '' })
  t.is(code, 0, stderr)
  t.regex(stdout, /^vouchgate \S+ \(node v2[46]\./)
  t.is(stderr, '')
  const failing = await vouchgate(['no-such-command'], { node: oldNode ?? '' })
  t.is(failing.code, 2)
})

onOldNode('signals reach the one that runs it', async (t) => {
  for (const [signal, ends] of [
    ['SIGHUP', false],
    ['SIGTERM', true],
  ] as const) {
    const running = await serve(t, {}, { node: oldNode ?? '' })
    running.child.kill(signal)
    if (ends) {
      t.is(await running.ended, 0)
    } else {
      t.truthy(await running.logged('config.reloaded'))
      running.child.kill('SIGINT')
      t.is(await running.ended, 0)
    }
  }
})

onOldNode('on a Node that is too old and alone one line says what is needed', async (t) => {
  const folder = temporaryFolder(t)
  cpSync(path.dirname(BIN), path.join(folder, 'bin'), { recursive: true })
  const bin = path.join(folder, 'bin', path.basename(BIN))
  const { code, stdout, stderr } = await vouchgate(['serve'], { node: oldNode ?? '', bin })
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(
    stderr,
    /^vouchgate: needs Node 24\.12 or newer \(24 or 26\), this is v\d+\.\d+\.\d+; install one, or run "npm ci", which brings its own\n$/,
  )
})

test('npx finds it in this folder', (t) => {
  const env = { ...cleanEnvironment(), npm_config_offline: 'true', npm_config_yes: 'false' }
  const shown = String(execFileSync('npx', ['vouchgate', '--version'], { cwd: ROOT, env }))
  t.regex(shown, /^vouchgate \d+\.\d+\.\d+ \(node v/)
})

test('starting does not load what fetch is made of', async (t) => {
  const telling = `process.on('exit', () => {
    process.stdout.write(String(process.moduleLoadList.some((name) => name.includes('undici'))))
  })`
  const node = ['--import', `data:text/javascript,${encodeURIComponent(telling)}`]
  const said = (...args: readonly string[]) =>
    String(execFileSync(process.execPath, [...node, ...args], { env: cleanEnvironment() }))
  // All commands are loaded for it, and with them all that serving needs.
  t.regex(said(BIN, '--help'), /false$/)
  t.is(said('--input-type=module', '-e', `import 'node:http'`), 'true')
})
