import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'

import type { ExecutionContext, TestFn } from 'ava'

import type { Ending } from './recording-upstream.ts'

/** A real Redis on a port of its own, in a folder of its own. */
export interface RedisServer {
  readonly port: number
  readonly folder: string
  /** Ends it at once, as a crash would. */
  kill(): Promise<void>
  /** Starts it again on the same port with what it kept. */
  start(): Promise<void>
  /** SIGSTOP and SIGCONT: there, and silent. */
  freeze(): void
  thaw(): void
}

const INSTALLED = spawnSync('redis-server', ['--version']).status === 0

/** Declares a test that needs a Redis server. Without one it is skipped for all to see, and fails where CI is set. */
export function redisTest(
  test: TestFn,
): (title: string, run: (t: ExecutionContext) => Promise<void>) => void {
  if (INSTALLED || process.env['CI']) return test
  return (title, run) => {
    test.skip(`${title} (redis-server is not installed)`, run)
  }
}

/** @param settings further arguments of redis-server */
export async function redisServer(
  t: Ending,
  settings: readonly string[] = [],
): Promise<RedisServer> {
  const folder = mkdtempSync(path.join(tmpdir(), 'vouchgate-redis-'))
  const port = await freePort()
  let child: ChildProcess | undefined

  const start = async () => {
    const started = spawn('redis-server', [...fixed(port, folder), ...settings], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    child = started
    const exited = once(started, 'exit').then(() => {
      throw new Error('redis-server ended before it was ready')
    })
    await Promise.race([ready(started), exited])
    exited.catch(() => undefined)
  }
  const kill = async () => {
    const running = child
    child = undefined
    if (!running || running.exitCode !== null) return
    const exited = once(running, 'exit')
    running.kill('SIGKILL')
    await exited
  }
  await start()
  t.teardown(async () => {
    await kill()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    port,
    folder,
    kill,
    start,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
  }
}

// What is answered has been handed to the system before: killing the process loses nothing.
function fixed(port: number, folder: string): readonly string[] {
  const where = `--port ${port} --bind 127.0.0.1 --dir ${folder}`
  return [...where.split(' '), '--save', '', '--appendonly', 'yes', '--appendfsync', 'no']
}

async function ready({ stdout }: ChildProcess): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let text = ''
  stdout?.on('data', (chunk: Buffer) => {
    text += String(chunk)
    if (text.includes('Ready to accept connections')) resolve()
  })
  await promise
}

/** A port that nobody listens on, for now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
