import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** One server under measurement. */
export interface Peer {
  readonly name: string
  /** The process whose CPU counts, with all that it started. */
  readonly pid: number
  /** Sends requests for a while. @returns how many were answered as they should be */
  load(): number
}

/** CPU time of a process and its children so far, in µs. */
function cpuOf(pid: number): number {
  let ticks = 0
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      const fields = readFileSync(`/proc/${entry}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
      const isOurs = Number(entry) === pid || Number(fields[1]) === pid
      if (isOurs) ticks += Number(fields[11]) + Number(fields[12])
    } catch {
      // It ended meanwhile.
    }
  }
  return ticks * 10_000
}

/** Measures the peers in turns, several rounds, and prints the median of each. */
export function compare(title: string, peers: readonly Peer[], rounds = 3): void {
  const figures = new Map<string, { cpu: number[]; rate: number[] }>()
  for (const { load } of peers) load()
  for (let round = 0; round < rounds; round++) {
    for (const { name, pid, load } of peers) {
      const [before, start] = [cpuOf(pid), performance.now()]
      const answered = load()
      const seconds = (performance.now() - start) / 1000
      const one = figures.get(name) ?? { cpu: [], rate: [] }
      one.cpu.push((cpuOf(pid) - before) / answered)
      one.rate.push(answered / seconds)
      figures.set(name, one)
      process.stderr.write('.')
    }
  }
  process.stderr.write('\n')
  console.log(`\n${title}`)
  console.table(
    Object.fromEntries(
      [...figures].map(([name, { cpu, rate }]) => [
        name,
        { 'CPU µs a request': round1(median(cpu)), 'requests/s': Math.round(median(rate)) },
      ]),
    ),
  )
}

/** Starts a server on the first core; the load comes from the second. */
export function serverProcess(
  command: readonly string[],
  env: Readonly<Record<string, string>> = {},
): ChildProcess {
  return spawn('taskset', ['-c', '0', ...command], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...env },
  })
}

export interface Wrk {
  readonly url: string
  readonly connections: number
  readonly seconds: number
  readonly script?: string
  readonly headers?: readonly string[]
}

/** Sends requests with wrk (a Debian package). @returns how many were answered with 2xx; fails when any was not */
export function wrk({ url, connections, seconds, script, headers = [] }: Wrk): number {
  const args = ['-c', '1', 'wrk', '-t1', `-c${connections}`, `-d${seconds}s`]
  if (script !== undefined) args.push('-s', script)
  for (const header of headers) args.push('-H', header)
  const { stdout, error } = spawnSync('taskset', [...args, url], { encoding: 'utf8' })
  if (error) throw new Error(`wrk and taskset are needed: ${error.message}`)
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url}: ${stdout}`)
  return Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0)
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN
}

function round1(value: number): number {
  return Math.round(value * 10) / 10
}
