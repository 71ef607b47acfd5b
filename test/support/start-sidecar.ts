import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { boot } from '../../src/boot.ts'
import type { Sidecar } from '../../src/boot.ts'
import { createLog } from '../../src/operations/log.ts'
import { pki } from './pki.ts'
import type { Pki } from './pki.ts'
import { recordingUpstream } from './recording-upstream.ts'
import type { Answer, Arrived, Ending, RecordingUpstream } from './recording-upstream.ts'
import { send } from './send.ts'
import type { Received, SendOptions } from './send.ts'

export interface StartOptions {
  /** Settings over those of the harness; one level deep they are merged. */
  readonly settings?: Readonly<Record<string, unknown>>
  readonly clients?: readonly Readonly<Record<string, unknown>>[]
  readonly resources?: readonly Readonly<Record<string, unknown>>[]
  /** Files to write beside the configuration, by relative path. */
  readonly files?: Readonly<Record<string, string>>
  readonly answer?: Answer
  readonly env?: Readonly<Record<string, string>>
  readonly watch?: boolean
}

/** A running sidecar in front of a recording upstream, gone at the end of the test. */
export interface Running {
  readonly sidecar: Sidecar
  readonly port: number
  readonly issuer: string
  /** The folder of the configuration. */
  readonly folder: string
  readonly pki: Pki
  readonly upstream: RecordingUpstream
  /** Every line of the log, parsed. */
  readonly log: readonly LogLine[]
  /** The `request.refused` lines. */
  refusals(): readonly LogLine[]
  /** The `request.refused` line of one answer. */
  refusalOf(answer: Received): LogLine | undefined
  /** What reached the upstream of the request that got this answer. */
  arrivedOf(answer: Received): readonly Arrived[]
  send(options?: SendOptions): Promise<Received>
  /** Writes a file of the configuration anew. */
  write(name: string, text: string): void
  /** Writes the settings anew, over those of the harness. */
  configure(settings: Readonly<Record<string, unknown>>): void
  stop(): Promise<boolean>
  /** Stops, and starts another one in the same folder and before the same upstream. */
  restart(changed?: Pick<StartOptions, 'env'>): Promise<Running>
}

export type LogLine = Readonly<Record<string, unknown>> & { readonly event: string }

export const ISSUER = 'https://sidecar.test'

const BUILT_IN = fileURLToPath(new URL('../../plugins', import.meta.url))

/** Starts a sidecar with real TLS on a port of its own. Its state is in memory unless the settings say otherwise. */
export async function startSidecar(t: Ending, options: StartOptions = {}): Promise<Running> {
  const authorities = await pki()
  const upstream = await recordingUpstream(t, options.answer)
  const folder = writeConfiguration(t, authorities, upstream.port, options)
  return run(t, { authorities, upstream, folder }, options)
}

interface Place {
  readonly authorities: Pki
  readonly upstream: RecordingUpstream
  readonly folder: string
}

async function run(t: Ending, place: Place, options: StartOptions): Promise<Running> {
  const { authorities, upstream, folder } = place
  const log: LogLine[] = []
  const sidecar = await boot({
    source: { file: path.join(folder, 'vouchgate.yaml'), env: options.env ?? {}, assignments: [] },
    builtIn: BUILT_IN,
    cwd: folder,
    log: createLog('info', {
      write(line) {
        log.push(JSON.parse(line) as LogLine)
      },
    }),
    version: '0.0.0-test',
    watch: options.watch ?? false,
  })
  let stopped: Promise<boolean> | undefined
  const stop = () => (stopped ??= sidecar.stop())
  t.teardown(stop)
  const write = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text)
  }
  return {
    sidecar,
    port: sidecar.port,
    issuer: ISSUER,
    folder,
    pki: authorities,
    upstream,
    log,
    refusals: () => log.filter(({ event }) => event === 'request.refused'),
    refusalOf: (answer) =>
      log.find(
        ({ event, requestId }) =>
          event === 'request.refused' && requestId === answer.headers['x-request-id'],
      ),
    arrivedOf: (answer) =>
      upstream.arrived.filter(
        ({ headers }) => headers['x-request-id'] === answer.headers['x-request-id'],
      ),
    send: (request) => send(sidecar.port, authorities.rootCa.pem, request),
    write,
    configure(settings) {
      write('vouchgate.yaml', configuration(settings, upstream.port))
    },
    stop,
    async restart(changed) {
      await stop()
      return run(t, place, { ...options, ...changed })
    },
  }
}

/** Writes a complete configuration into a folder of its own. @returns the folder */
export function writeConfiguration(
  t: Ending,
  { server, rootCa }: Pki,
  upstreamPort: number,
  options: StartOptions,
): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'vouchgate-test-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true, force: true })
  })
  const files: Record<string, string> = {
    'vouchgate.yaml': configuration(options.settings ?? {}, upstreamPort),
    'clients.yaml': JSON.stringify({ clients: options.clients ?? [] }, null, 2),
    'resources.yaml': JSON.stringify({ resources: options.resources ?? [] }, null, 2),
    'tls.crt': server.cert,
    'tls.key': server.key,
    'ca.crt': rootCa.pem,
    ...options.files,
  }
  for (const [name, text] of Object.entries(files)) {
    const file = path.join(folder, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  return folder
}

function configuration(changes: Readonly<Record<string, unknown>>, upstreamPort: number): string {
  const settings: Record<string, unknown> = {
    issuer: ISSUER,
    listen: {
      host: '127.0.0.1',
      port: 0,
      certificate: 'tls.crt',
      key: 'tls.key',
      drainTimeout: '1s',
    },
    operations: { host: '127.0.0.1', port: 0 },
    upstream: `http://127.0.0.1:${upstreamPort}`,
    clients: 'clients.yaml',
    resources: 'resources.yaml',
    trust: { anchors: ['ca.crt'] },
    state: { use: 'memory' },
  }
  for (const [name, value] of Object.entries(changes)) {
    const before = settings[name]
    settings[name] = isRecord(before) && isRecord(value) ? { ...before, ...value } : value
  }
  return JSON.stringify(settings, null, 2)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
