import { h2load } from './support/h2load.ts'
import { printTable, rounded } from './support/measure.ts'
import { REQUESTS } from './support/options.ts'
import { tokenOf, vouchgate } from './support/peers/vouchgate.ts'
import { cpuOf, residentOf } from './support/processes.ts'
import { openStage } from './support/stage.ts'
import { basic } from './support/world.ts'

/** Whether memory stays as it is over many requests, by token and by secret in turns. `node bench/soak.ts [--requests N]` */
const ALL = REQUESTS ?? 1_000_000
const STEPS = 10

await using stage = await openStage()
const ours = await vouchgate(stage)
const token = await tokenOf(stage, ours)
const rows = [{ '': 'before', 'MB resident': rounded(residentOf(ours.pid) / 1e6), 'CPU µs': '' }]
for (let step = 1; step <= STEPS; step++) {
  const before = cpuOf(ours.pid)
  let answered = 0
  for (const authorization of [`Bearer ${token}`, basic('batch')]) {
    const turn = await h2load({
      url: ours.url('/orders'),
      folder: stage.world.folder,
      headers: [`Authorization: ${authorization}`],
      protocol: 'h1',
      connections: 32,
      requests: Math.ceil(ALL / STEPS / 2),
    })
    answered += turn.answered
  }
  rows.push({
    '': `after ${Math.round((ALL * step) / STEPS)}`,
    'MB resident': rounded(residentOf(ours.pid) / 1e6),
    'CPU µs': String(rounded((cpuOf(ours.pid) - before) / answered)),
  })
  process.stderr.write('.')
}
process.stderr.write('\n')
printTable(`${ALL} requests on new connections every ${ALL / STEPS / 2}`, rows)
