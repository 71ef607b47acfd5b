import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'

import { pki } from '../../support/pki.ts'
import type { Pki } from '../../support/pki.ts'
import { recordingUpstream } from '../../support/recording-upstream.ts'
import type { Ending, RecordingUpstream } from '../../support/recording-upstream.ts'
import { writeConfiguration } from '../../support/start-sidecar.ts'
import type { LogLine, StartOptions } from '../../support/start-sidecar.ts'

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
export const BIN = path.join(ROOT, 'bin/vouchgate.mjs')

export interface RunOptions {
  readonly input?: string | Buffer
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** The program that runs the file; the Node of the tests unless told. */
  readonly node?: string
  readonly bin?: string
}

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the real program to its end. */
export async function vouchgate(
  args: readonly string[],
  { input = '', env = {}, cwd = ROOT, node = process.execPath, bin = BIN }: RunOptions = {},
): Promise<Outcome> {
  const child = spawn(node, [bin, ...args], { cwd, env: { ...cleanEnvironment(), ...env } })
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const [[code], stdout, stderr] = await Promise.all([
    once(child, 'close') as Promise<[number | null]>,
    text(child.stdout),
    text(child.stderr),
  ])
  return { code, stdout, stderr }
}

/** What runs the tests must not configure what they test, nor colour it. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(VOUCHGATE_|NODE_|NO_COLOR|FORCE_COLOR|npm_)/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)))
}

/** A sidecar in a process of its own. */
export interface Serving {
  readonly child: ChildProcess
  readonly folder: string
  readonly pki: Pki
  readonly upstream: RecordingUpstream
  readonly port: number
  readonly operationsPort: number
  readonly log: readonly LogLine[]
  /** Waits for a log line of an event. */
  logged(event: string): Promise<LogLine>
  /** The exit code, once it has ended. */
  readonly ended: Promise<number | null>
}

/** Runs `serve` with a complete configuration until it listens. */
export async function serve(
  t: Ending,
  options: StartOptions = {},
  { node = process.execPath, bin = BIN, args = [] }: RunOptions & { args?: readonly string[] } = {},
): Promise<Serving> {
  const authorities = await pki()
  const upstream = await recordingUpstream(t, options.answer)
  const folder = writeConfiguration(t, authorities, upstream.port, options)
  const child = spawn(node, [bin, 'serve', '-c', path.join(folder, 'vouchgate.yaml'), ...args], {
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const ended = once(child, 'exit').then(([code]) => code as number | null)
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += String(chunk)))
  const log: LogLine[] = []
  const waiting = new Map<string, (line: LogLine) => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    const parsed = JSON.parse(line) as LogLine
    log.push(parsed)
    waiting.get(parsed.event)?.(parsed)
  })
  const logged = async (event: string): Promise<LogLine> => {
    const { promise, resolve } = Promise.withResolvers<LogLine>()
    const there = log.find((line) => line.event === event)
    if (there) return there
    waiting.set(event, resolve)
    const line = await Promise.race([promise, ended])
    if (typeof line !== 'object' || line === null) throw new Error(`ended with ${line}: ${errors}`)
    return line
  }
  const listening = await logged('listening')
  return {
    child,
    folder,
    pki: authorities,
    upstream,
    port: Number(listening['port']),
    operationsPort: Number(listening['operationsPort']),
    log,
    logged,
    ended,
  }
}
