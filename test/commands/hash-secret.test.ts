import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'

import test from 'ava'

import { basic } from '../support/send.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { assertRefused, INVALID_CLIENT, tokenOf, tokenRequest } from '../support/token-request.ts'
import { BIN, cleanEnvironment, vouchgate } from './support/vouchgate.ts'

const SECRET = 'pässword with spaces, é and 🔑'

test('the value of every form makes a client that the secret proves', async (t) => {
  const { code, stdout, stderr } = await vouchgate(['hash-secret'], { input: `${SECRET}\n` })
  t.is(code, 0)
  t.is(stderr, '')
  // What is printed is YAML as it stands.
  const running = await startSidecar(t, {
    files: {
      'clients.yaml': ['sha256', 'sha512', 'argon2id']
        .map((form) => {
          const line = stdout.split('\n').find((_, index, all) => all[index - 1] === `# ${form}`)
          return `- clientId: ${form}\n  clientSecrets:\n  ${line}\n`
        })
        .join(''),
    },
  })
  for (const id of ['sha256', 'sha512', 'argon2id']) {
    tokenOf(t, await running.send(tokenRequest({ headers: { authorization: basic(id, SECRET) } })))
    const wrong = tokenRequest({ headers: { authorization: basic(id, `${SECRET}\n`) } })
    const answer = await running.send(wrong)
    t.is(answer.status === 200, false)
  }
  const other = tokenRequest({ headers: { authorization: basic('sha256', 'another') } })
  assertRefused(t, running, await running.send(other), {
    ...INVALID_CLIENT,
    reason: 'secret-mismatch',
  })
})

test('one form can be asked for alone', async (t) => {
  const sha256 = await vouchgate(['hash-secret', '--form', 'sha256'], { input: 'abc' })
  t.is(sha256.stdout, 'ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=\n')
  const argon2id = await vouchgate(['hash-secret', '--form', 'argon2id'], { input: 'abc\r\n' })
  t.regex(argon2id.stdout, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$[\w+/]{22}\$[\w+/]{43}\n$/)
})

test('a generated secret goes where it can be kept apart from its hash', async (t) => {
  const { code, stdout, stderr } = await vouchgate([
    'hash-secret',
    '--generate',
    '--form',
    'sha256',
  ])
  t.is(code, 0)
  const secret = /^Secret, for the client only: ([\w-]{43})\n$/.exec(stderr)?.[1] ?? ''
  const again = await vouchgate(['hash-secret', '--form', 'sha256'], { input: secret })
  t.is(stdout, again.stdout)
})

for (const [title, input, code, message] of [
  ['no secret', '', 2, 'the secret is empty; type one, pipe one in, or use --generate'],
  ['an empty line', '\n', 2, 'the secret is empty'],
  ['a secret without end', 'x'.repeat(20_000), 1, 'the secret is longer than 16384 bytes'],
  ['bytes that are no text', Buffer.from([0xff, 0xfe, 0x41]), 1, 'the secret is not UTF-8 text'],
] as const) {
  test(`${title} is refused`, async (t) => {
    const outcome = await vouchgate(['hash-secret'], { input })
    t.is(outcome.code, code)
    t.is(outcome.stdout, '')
    t.true(outcome.stderr.startsWith(`vouchgate hash-secret: ${message}`), outcome.stderr)
    t.is(outcome.stderr.trim().split('\n').length, 1)
  })
}

test('a short secret and a very long one are pointed out', async (t) => {
  const short = await vouchgate(['hash-secret'], { input: 'hunter2' })
  t.is(short.code, 0)
  t.regex(short.stderr, /^note: this secret is short; register the argon2id form/)
  const long = await vouchgate(['hash-secret', '--form', 'sha256'], { input: 'x'.repeat(101) })
  t.is(long.code, 0)
  t.regex(long.stderr, /^note: secrets over 100 characters are refused/)
})

/** Runs a command on a terminal of its own, types, and returns all that the terminal showed. */
async function onTerminal(command: string, typed: readonly string[]) {
  const child = spawn('script', ['-qec', command, '/dev/null'], { env: cleanEnvironment() })
  const shown = text(child.stdout)
  let seen = ''
  child.stdout.on('data', (chunk) => (seen += String(chunk)))
  for (const keys of typed) {
    while (!seen.includes('Secret: ')) await pause(10)
    child.stdin.write(keys)
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, shown: await shown }
}

const hasTerminal = (() => {
  try {
    return /util-linux/.test(String(execFileSync('script', ['--version'])))
  } catch {
    return false
  }
})()
const onATerminal = hasTerminal ? test : test.skip

onATerminal('a prompt shows nothing of what is typed', async (t) => {
  const command = `"${process.execPath}" "${BIN}" hash-secret --form sha256`
  const { code, shown } = await onTerminal(command, ['abd\x7fc\r'])
  t.is(code, 0)
  t.is(shown, 'Secret: \r\nungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=\r\n')
})

onATerminal('a prompt can be left without a stack', async (t) => {
  const command = `"${process.execPath}" "${BIN}" hash-secret`
  for (const key of ['\x03', '\x04']) {
    const { code, shown } = await onTerminal(command, [key])
    t.is(code, 1)
    t.is(shown, 'Secret: \r\nvouchgate hash-secret: no secret was typed\r\n')
  }
})
