import { Readable } from 'node:stream'

import { main } from '../../../src/main.ts'
import { ROOT } from './vouchgate.ts'
import type { Outcome } from './vouchgate.ts'

/** Runs a command without a process of its own: for the many ways of calling one wrongly. */
export async function inProcess(...args: readonly string[]): Promise<Outcome> {
  let [stdout, stderr] = ['', '']
  const code = await main(args, {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    stdin: Readable.from([]),
    env: {},
    cwd: ROOT,
    now: () => new Date(),
  })
  return { code, stdout, stderr }
}
