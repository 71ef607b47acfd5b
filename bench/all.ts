import { spawnSync } from 'node:child_process'
import { cpus } from 'node:os'
import path from 'node:path'

import { ROOT } from './support/world.ts'

/** Runs every benchmark, one after the other, with the flags that it is given. `npm run bench` */
const ALL = [
  'forward',
  'latency',
  'bodies',
  'http2',
  'new-connections',
  'websocket',
  'idle-connections',
  'scale',
  'startup',
  'token-endpoint',
  'certificates',
  'introspection-cache',
  'soak',
] as const

/** They count otherwise: see there. */
const WITHOUT_FLAGS = new Set<string>(['certificates', 'introspection-cache'])

process.stdout.write(`${cpus()[0]?.model}, ${cpus().length} cores, Node ${process.version}\n`)
const failed = ALL.filter((name) => {
  process.stdout.write(`\n## ${name}\n`)
  const flags = WITHOUT_FLAGS.has(name) ? [] : process.argv.slice(2)
  const args = [path.join(ROOT, 'bench', `${name}.ts`), ...flags]
  return spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0
})
if (failed.length > 0) {
  process.stderr.write(`failed: ${failed.join(', ')}\n`)
  process.exitCode = 1
}
