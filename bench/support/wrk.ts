import { writeFileSync } from 'node:fs'
import path from 'node:path'

import type { Turn } from './measure.ts'
import { SECONDS } from './options.ts'
import { runLoad } from './processes.ts'

export interface Wrk {
  readonly url: string
  /** Where scripts may be written. */
  readonly folder: string
  /** Kept alive. */
  readonly connections?: number
  readonly headers?: readonly string[]
  readonly method?: string
  /** The text of a body, or how many bytes of one. */
  readonly body?: string | number
}

/** Sends requests with wrk as fast as they are answered. @throws when any answer is not 2xx */
export async function wrk(options: Wrk): Promise<Turn> {
  const { url, connections = 32, headers = [] } = options
  const args = ['-t1', `-c${connections}`, `-d${SECONDS}s`, '--latency', '--timeout', '10s']
  const script = scriptOf(options)
  if (script !== undefined) args.push('-s', script)
  for (const header of headers) args.push('-H', header)
  const stdout = await runLoad(['wrk', ...args, url])
  if (/Non-2xx|Socket errors/.test(stdout)) throw new Error(`${url}: ${stdout}`)
  const p99 = millisecondsOf(/99%\s+(\S+)/.exec(stdout)?.[1] ?? '')
  return { answered: Number(/(\d+) requests in/.exec(stdout)?.[1] ?? 0), p99 }
}

let scripts = 0

function scriptOf({ folder, method, body }: Wrk): string | undefined {
  if (method === undefined && body === undefined) return undefined
  const text = typeof body === 'number' ? `string.rep("x", ${body})` : JSON.stringify(body ?? '')
  const file = path.join(folder, `wrk-${scripts++}.lua`)
  writeFileSync(file, `wrk.method = "${method ?? 'POST'}"\nwrk.body = ${text}\n`)
  return file
}

const MILLISECONDS: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000 }

/** `612.00us` → 0.612 */
function millisecondsOf(text: string): number {
  const [, number = '', unit = ''] = /^([\d.]+)(us|ms|s)$/.exec(text) ?? []
  return Number(number) * (MILLISECONDS[unit] ?? Number.NaN)
}
