import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { httpsText } from '../../src/commands/token-request.ts'
import { end, startOn } from './processes.ts'
import { makeWorld, ROOT } from './world.ts'
import type { World } from './world.ts'

/** What all rows of a table share: certificates, clients, and one API behind them. All of it ends with it. */
export interface Stage extends AsyncDisposable {
  readonly world: World
  /** The port of the API. */
  readonly upstream: number
  /** Starts a server to measure. @returns its process */
  serve(command: readonly string[]): number
  /** Starts something else that is needed. @returns its process */
  help(command: readonly string[]): number
  /** Waits until a port answers over TLS, whatever it answers. */
  untilUp(port: number): Promise<void>
}

/** A server that is being measured. */
export interface Server {
  readonly name: string
  readonly pid: number
  /** @param to a path */
  url(to: string): string
}

/** Opens a stage with the API running. */
export async function openStage(): Promise<Stage> {
  const world = await makeWorld()
  const started: ChildProcess[] = []
  const upstream = await freePort()
  const start = (core: 'server' | 'load') => (command: readonly string[]) => {
    const child = startOn(core, command)
    started.push(child)
    return child.pid ?? 0
  }
  start('load')([process.execPath, program('upstream.mjs'), String(upstream)])
  return {
    world,
    upstream,
    serve: start('server'),
    help: start('load'),
    async untilUp(port) {
      const url = `https://localhost:${port}/`
      await retry(async () => {
        const gone = started.find(({ exitCode }) => exitCode !== null)
        if (gone) throw new GoneError(gone.spawnargs.join(' '))
        await httpsText(url, { ca: world.read('ca.crt') })
      }, url)
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(started.map(end))
      world.end()
    },
  }
}

/** A program of ours that runs in a process of its own. */
export function program(name: string): string {
  return path.join(ROOT, 'bench/support/programs', name)
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** A program ended that should not have. */
class GoneError extends Error {
  override readonly name = 'GoneError'
}

async function retry(ask: () => Promise<unknown>, what: string): Promise<void> {
  let last: unknown
  for (const until = Date.now() + 60_000; Date.now() < until; await pause(50)) {
    try {
      await ask()
      return
    } catch (error) {
      if (error instanceof GoneError) throw error
      last = error
    }
  }
  throw new Error(`${what} did not come up in a minute`, { cause: last })
}
