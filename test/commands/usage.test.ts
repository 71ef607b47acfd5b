import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { text } from 'node:stream/consumers'

import test from 'ava'

import { inProcess } from './support/in-process.ts'
import { BIN, cleanEnvironment, ROOT, vouchgate } from './support/vouchgate.ts'

const COMMANDS = ['serve', 'check', 'hash-secret', 'certificate', 'token', 'schema', 'demo']

test('every command is listed, and says what it does when asked', async (t) => {
  const all = await vouchgate(['--help'])
  t.is(all.code, 0)
  t.is(all.stderr, '')
  for (const command of COMMANDS) {
    t.regex(all.stdout, new RegExp(`^  ${command} +\\S`, 'm'))
    const { code, stdout, stderr } = await inProcess(command, '--help')
    t.is(code, 0, command)
    t.is(stderr, '')
    t.true(stdout.startsWith('Usage: vouchgate '), stdout)
    t.true(stdout.includes(command))
    t.true(
      stdout.split('\n').every((line) => line.length <= 100),
      command,
    )
  }
})

test('it says its version, and which Node runs it', async (t) => {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    version: string
  }
  const { code, stdout } = await vouchgate(['--version'])
  t.is(code, 0)
  t.is(stdout, `vouchgate ${version} (node ${process.version})\n`)
})

for (const [title, args, message] of [
  [
    'an unknown command',
    ['srve'],
    'vouchgate: there is no command "srve"\n\nUsage: vouchgate [command]',
  ],
  [
    'an unknown flag without a command',
    ['--verbose'],
    "vouchgate serve: Unknown option '--verbose'",
  ],
  ['an unknown flag', ['check', '--verbose'], "vouchgate check: Unknown option '--verbose'"],
  [
    'a flag without its value',
    ['serve', '--config'],
    "vouchgate serve: Option '-c, --config <value>' argument missing",
  ],
  ['too many words', ['check', 'here'], "vouchgate check: Unexpected argument 'here'"],
  ['a token of nobody', ['token'], 'vouchgate token: name one issuer'],
  [
    'a token by no method',
    ['token', 'https://x', '--client', 'a', '--method', 'constructor'],
    'vouchgate token: there is no method "constructor"',
  ],
  [
    'a token over HTTP',
    ['token', 'http://x', '--client', 'a'],
    'vouchgate token: http://x is no https URL',
  ],
  ['a token of no client', ['token', 'https://x'], 'vouchgate token: --client is missing'],
  [
    'an assertion without a key',
    ['token', 'https://x', '--client', 'a', '--method', 'private_key_jwt'],
    'vouchgate token: --assertion-key is missing',
  ],
  [
    'a hash of no form',
    ['hash-secret', '--form', 'toString'],
    'vouchgate hash-secret: no form "toString"; there is sha256, sha512, argon2id',
  ],
  ['a demonstration on no port', ['demo', '--port', '0'], 'vouchgate demo: --port 0 is no port'],
  [
    'a demonstration on many ports',
    ['demo', '--upstream-port', '65536'],
    'vouchgate demo: --upstream-port 65536 is no port',
  ],
] as const) {
  test(`${title} is bad usage, which is explained`, async (t) => {
    const { code, stdout, stderr } = await inProcess(...args)
    t.is(code, 2)
    t.is(stdout, '')
    t.true(stderr.startsWith(message), stderr)
    t.false(/\n {4}at /.test(stderr), stderr)
  })
}

test('the exit code and the explanation are those of the program', async (t) => {
  const { code, stderr } = await vouchgate(['hash-secret', 'a-secret-as-an-argument'])
  t.is(code, 2)
  t.regex(stderr, /^vouchgate hash-secret: Unexpected argument/)
})

test('a reader that has had enough of the output is told no more, and no stack', async (t) => {
  const child = spawn(process.execPath, [BIN, 'schema'], { env: cleanEnvironment() })
  child.stdout.destroy()
  const [[code], stderr] = await Promise.all([once(child, 'close'), text(child.stderr)])
  t.is(code, 1)
  t.is(stderr, '')
})
