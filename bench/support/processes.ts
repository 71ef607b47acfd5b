import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { promisify } from 'node:util'

/** The servers that are measured have the first core, what loads them and what is behind them the second. */
const CORES = { server: '0', load: '1' } as const

/** Starts a server on a core of its own. Its output goes to ours. */
export function startOn(core: keyof typeof CORES, command: readonly string[]): ChildProcess {
  return spawn('taskset', ['-c', CORES[core], ...command], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
}

/** Runs a client to its end on the core for load. @returns what it printed */
export async function runLoad(command: readonly string[]): Promise<string> {
  const run = promisify(execFile)
  const { stdout } = await run('taskset', ['-c', CORES.load, ...command], { maxBuffer: 2 ** 28 })
  return stdout
}

/** Ends a process, and waits for that. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const { promise, resolve } = Promise.withResolvers<void>()
  child.once('exit', () => {
    resolve()
  })
  child.kill('SIGTERM')
  const limit = setTimeout(() => child.kill('SIGKILL'), 5000)
  await promise
  clearTimeout(limit)
}

/** A process and those that it started, and theirs. */
function familyOf(pid: number): readonly number[] {
  const parents = new Map<number, number>()
  for (const entry of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const fields = fieldsOf(Number(entry))
    if (fields) parents.set(Number(entry), Number(fields[1]))
  }
  const isOurs = (one: number | undefined): boolean =>
    one !== undefined && (one === pid || isOurs(parents.get(one)))
  return [...parents.keys()].filter(isOurs)
}

/** `/proc/PID/stat` after the name. */
function fieldsOf(pid: number): readonly string[] | undefined {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')
  } catch {
    // It ended meanwhile.
    return undefined
  }
}

/** CPU time of a process and its descendants so far, in µs. */
export function cpuOf(pid: number): number {
  let ticks = 0
  for (const one of familyOf(pid)) {
    const fields = fieldsOf(one) ?? []
    ticks += Number(fields[11] ?? 0) + Number(fields[12] ?? 0)
  }
  return ticks * 10_000
}

/** Resident memory of a process and its descendants, in bytes. */
export function residentOf(pid: number): number {
  let kilobytes = 0
  for (const one of familyOf(pid)) {
    try {
      const status = readFileSync(`/proc/${one}/status`, 'utf8')
      kilobytes += Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0)
    } catch {
      // It ended meanwhile.
    }
  }
  return kilobytes * 1024
}
