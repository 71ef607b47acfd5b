import { h2load, h2loadAt } from './h2load.ts'
import type { Row } from './measure.ts'
import { SECONDS } from './options.ts'
import { runLoad } from './processes.ts'
import { program } from './stage.ts'
import type { Server, Stage } from './stage.ts'
import { wrk } from './wrk.ts'

export interface Get {
  readonly name?: string
  readonly path?: string
  readonly headers?: readonly string[]
}

/** GET of 13 bytes on 32 kept connections, and the same at half of that. */
export function getRow(stage: Stage, server: Server, get: Get = {}): Row {
  const { name = server.name, path = '/orders', headers = [] } = get
  const { folder } = stage.world
  const url = server.url(path)
  return {
    name,
    pid: server.pid,
    load: () => wrk({ url, folder, headers }),
    loadAt: (rate) => h2loadAt({ url, folder, headers, protocol: 'h1', connections: 32 }, rate),
  }
}

/** GET of 13 bytes over HTTP/2, 100 streams on each of four connections. */
export function http2Row(stage: Stage, server: Server, get: Get = {}): Row {
  const { name = server.name, path = '/orders', headers = [] } = get
  const one = {
    url: server.url(path),
    folder: stage.world.folder,
    headers,
    protocol: 'h2',
    connections: 4,
    streams: 100,
  } as const
  return {
    name,
    pid: server.pid,
    load: () => h2load(one),
    loadAt: (rate) => h2loadAt(one, rate),
  }
}

/** A row whose client is a program of ours that takes url, folder, certificate, seconds. */
export function programRow(
  stage: Stage,
  server: Server,
  { client, certificate = '-', more = [], path = '/orders' }: ProgramOptions,
): Row {
  const args = [server.url(path), stage.world.folder, certificate, String(SECONDS), ...more]
  return {
    name: server.name,
    pid: server.pid,
    async load() {
      return { answered: Number(await runLoad([process.execPath, program(client), ...args])) }
    },
  }
}

export interface ProgramOptions {
  /** A file of `programs`. */
  readonly client: string
  /** The name of a client certificate of the world. */
  readonly certificate?: string
  readonly more?: readonly string[]
  readonly path?: string
}
