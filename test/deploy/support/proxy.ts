import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import type { ExecutionContext, TestFn } from 'ava'

import type { Ending } from '../../support/recording-upstream.ts'

/** Servers are where only administrators look. */
const PATH = `${process.env['PATH']}:/usr/local/sbin:/usr/sbin`

const EXAMPLES = new URL('../../../deploy/examples/', import.meta.url)

/** The text of a file under deploy/examples. */
export function example(file: string): string {
  return readFileSync(new URL(file, EXAMPLES), 'utf8')
}

/** Puts what this machine has in the place of what an example says. @throws when it does not say it */
export function fitted(text: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((before, [said, meant]) => {
    if (!before.includes(said)) throw new Error(`the example does not say ${said}`)
    return before.replaceAll(said, meant)
  }, text)
}

/** Declares tests that need a program. Without it they are skipped for all to see, and fail where CI is set. */
export function testWith(test: TestFn, program: string, ...args: readonly string[]) {
  const isInstalled = spawnSync(program, args, { env: { PATH } }).status === 0
  return (title: string, run: (t: ExecutionContext) => Promise<void>): void => {
    if (isInstalled || process.env['CI']) test(title, run)
    else test.skip(`${title} (${program} is not installed)`, run)
  }
}

export interface ProxyProgram {
  readonly files: Readonly<Record<string, string>>
  /** @param folder where the files are */
  command(folder: string): readonly string[]
  readonly port: number
}

/** Runs a proxy in a folder of its own until the test ends. @returns what it has written to its log */
export async function runProxy(
  t: Ending,
  { files, command, port }: ProxyProgram,
): Promise<() => string> {
  const folder = mkdtempSync(path.join(tmpdir(), 'vouchgate-proxy-'))
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text)
  const [program = '', ...args] = command(folder)
  const child = spawn(program, args, {
    cwd: folder,
    env: {
      PATH,
      HOME: folder,
      XDG_DATA_HOME: folder,
      XDG_CONFIG_HOME: folder,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (log += chunk.toString()))
  const exited = once(child, 'exit')
  t.teardown(async () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  })
  while (!(await isListening(port))) {
    if (child.exitCode !== null) throw new Error(`${program} ended: ${log}`)
    await pause(20)
  }
  return () => log
}

async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
