import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

import { printTable, rounded } from './support/measure.ts'
import { REQUESTS } from './support/options.ts'
import { nginx } from './support/peers/nginx.ts'
import { tokenOf, vouchgate } from './support/peers/vouchgate.ts'
import { end, residentOf } from './support/processes.ts'
import { openStage, program } from './support/stage.ts'
import type { Server } from './support/stage.ts'

/**
 * What a kept TLS connection takes of memory while it idles, one request after it was opened.
 * `node bench/idle-connections.ts [--requests MOST]`; client and server need that many open files each.
 */
const MOST = REQUESTS ?? 10_000
const STEPS = [1, 10, 100, 1000, 10_000].filter((step) => step <= MOST)
/** Milliseconds after the last one was opened. */
const SETTLED = 3000

await using stage = await openStage()
const front = await nginx(stage)
const listen = { keepAliveTimeout: '10m', idleTimeout: '20m' }
const ours = await vouchgate(stage, { settings: { listen } })
const token = await tokenOf(stage, ours)
// What the first requests load counts neither for the first connection.
const servers = front ? [ours, front.plain] : [ours]
const rows = []
for (const server of servers) rows.push(...(await idle(server)))
printTable('Idle TLS connections', rows)

async function idle(server: Server) {
  const args = [server.url('/orders'), stage.world.folder, token]
  const command = ['-c', '1', process.execPath, program('idle-connections.mjs'), ...args]
  const child = spawn('taskset', command, { stdio: ['pipe', 'pipe', 'inherit'] })
  const answers = createInterface({ input: child.stdout })
  const gone = once(child, 'exit').then(() => {
    throw new Error(`${server.name}: connections were closed`)
  })
  const open = async (many: number) => {
    child.stdin.write(`${many}\n`)
    await Promise.race([once(answers, 'line'), gone])
    await pause(SETTLED)
    return residentOf(server.pid)
  }
  try {
    const first = await open(1)
    const seen = []
    for (const many of STEPS) {
      const resident = many === 1 ? first : await open(many)
      seen.push({
        '': `${server.name}, ${many}`,
        'MB resident': rounded(resident / 1e6),
        'KB a connection': many === 1 ? '' : rounded((resident - first) / 1000 / (many - 1)),
      })
      process.stderr.write('.')
    }
    return seen
  } finally {
    gone.catch(() => undefined)
    await end(child)
  }
}
