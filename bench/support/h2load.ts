import { readFileSync, rmSync } from 'node:fs'
import path from 'node:path'

import type { Turn } from './measure.ts'
import { SECONDS } from './options.ts'
import { runLoad } from './processes.ts'

export interface H2load {
  readonly url: string
  /** Where its log may be written. */
  readonly folder: string
  readonly headers?: readonly string[]
  readonly protocol: 'h1' | 'h2'
  readonly connections: number
  /** At one time on each connection. */
  readonly streams?: number
  /** So many in all instead of for a time. */
  readonly requests?: number
}

/** Sends requests with h2load as fast as they are answered. @throws when any answer is not 2xx */
export async function h2load(options: H2load): Promise<Turn> {
  return { answered: answered(await run(options, []), options.url) }
}

/** h2load looks at its clock every 10 ms: with more than this for each connection it would send in bursts. */
const PER_CONNECTION = 100

/** The same at a rate, so that answers are waited for and not queues. @returns with the p99 of what was sent in time */
export async function h2loadAt(options: H2load, perSecond: number): Promise<Turn> {
  const connections = Math.max(1, Math.ceil(perSecond / PER_CONNECTION))
  const log = path.join(options.folder, 'h2load.log')
  rmSync(log, { force: true })
  const rate = ['--rps', String(perSecond / connections), '--log-file', log]
  const stdout = await run({ ...options, connections, streams: 1 }, rate)
  return { answered: answered(stdout, options.url), p99: quantile(log, 0.99) }
}

async function run(options: H2load, more: readonly string[]): Promise<string> {
  const { url, protocol, connections, streams = 1, headers = [], requests } = options
  const args = ['-t1', '-c', String(connections), '-m', String(streams), ...more]
  args.push(...(requests === undefined ? ['-D', String(SECONDS)] : ['-n', String(requests)]))
  if (protocol === 'h1') args.push('--h1')
  for (const header of headers) args.push('-H', header)
  const stdout = await runLoad(['h2load', ...args, url])
  const spoken = /Application protocol: (\S+)/.exec(stdout)?.[1]
  if (protocol === 'h2' && spoken !== 'h2') throw new Error(`${url} speaks ${spoken}, not h2`)
  return stdout
}

function answered(stdout: string, url: string): number {
  const [, good = '0', ...others] =
    /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(stdout) ?? []
  if (good === '0' || others.some((many) => many !== '0')) throw new Error(`${url}: ${stdout}`)
  return Number(good)
}

/** Milliseconds. A line of the log is: the µs when it was sent, status, µs until it was answered. */
function quantile(log: string, part: number): number {
  const lines = readFileSync(log, 'utf8')
    .split('\n')
    .map((line) => line.split('\t').map(Number))
    .filter(([, , time]) => time !== undefined)
  // At first all connections are opened, which takes what is to be measured from the answers.
  const settled = (lines[0]?.[0] ?? 0) + SECONDS * 250_000
  const times = lines
    .filter(([sent = 0]) => sent > settled)
    .map(([, , time = Number.NaN]) => time)
    .toSorted((a, b) => a - b)
  return (times[Math.floor(times.length * part)] ?? Number.NaN) / 1000
}
