import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { printTable, rounded } from './support/measure.ts'
import { ROUNDS } from './support/options.ts'
import { tokenOf, vouchgate } from './support/peers/vouchgate.ts'
import { openStage } from './support/stage.ts'
import { basic, ROOT } from './support/world.ts'
import { wrk } from './support/wrk.ts'

/**
 * Where the time of a forwarded GET goes: functions by the CPU time that they take themselves, for a cached token beside
 * a public route that gets the same header lines. The kinds take turns in one process, so that what else the machine
 * does meets all of them. The profile stays, for a look with other tools. `node bench/profile.ts`
 */
const SHOWN = 40

interface Profile {
  /** µs of the machine's clock, which all processes share. */
  readonly startTime: number
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: CallFrame
  }[]
  readonly samples: readonly number[]
  /** µs since the sample before. */
  readonly timeDeltas: readonly number[]
}

interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

/** A turn of one kind, by the machine's clock in µs. */
interface Window {
  readonly kind: string
  readonly from: number
  readonly to: number
}

const folder = path.join(ROOT, 'coverage/profiles', String(process.pid))
const { windows, answered } = await runKinds()
const file = path.join(folder, readdirSync(folder)[0] ?? '')
process.stdout.write(`${file}\n`)
const times = selfTimes(JSON.parse(readFileSync(file, 'utf8')) as Profile)

const kinds = [...answered.keys()]
const [first = '', second = ''] = kinds
const rows = [...times].map(([name, byKind]) => ({ name, byKind }))
const of = (row: (typeof rows)[number], kind: string) => row.byKind.get(kind) ?? 0
const show = (title: string, sorted: typeof rows) => {
  printTable(
    title,
    sorted.map((row) => ({
      '': row.name,
      ...Object.fromEntries(kinds.map((kind) => [kind, rounded(of(row, kind), 2)])),
    })),
  )
}
const sums = kinds.map((kind) => [kind, rows.reduce((sum, row) => sum + of(row, kind), 0)] as const)
show('CPU µs a request', [{ name: 'in all', byKind: new Map(sums) }])
show('by function', rows.toSorted((a, b) => of(b, first) - of(a, first)).slice(0, SHOWN))
show(
  `by what it adds to ${second}`,
  rows
    .toSorted((a, b) => of(b, first) - of(b, second) - (of(a, first) - of(a, second)))
    .slice(0, SHOWN),
)

async function runKinds() {
  await using stage = await openStage()
  const flags = ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--cpu-prof-interval=250']
  const ours = await vouchgate(stage, { flags })
  const bearer = `Authorization: Bearer ${await tokenOf(stage, ours)}`
  const requests = [
    ['cached JWT', '/orders', bearer],
    ['public route', '/public', bearer],
    ['Basic secret', '/orders', `Authorization: ${basic('batch')}`],
  ] as const
  const load = (to: string, header: string) =>
    wrk({ url: ours.url(to), folder: stage.world.folder, headers: [header] })
  // What starts and warms up is not what is asked for.
  for (const [, to, header] of requests) await load(to, header)
  const turns: Window[] = []
  const counts = new Map<string, number>()
  for (let round = 0; round < ROUNDS; round++) {
    for (const [kind, to, header] of requests) {
      const from = microseconds()
      const turn = await load(to, header)
      turns.push({ kind, from, to: microseconds() })
      counts.set(kind, (counts.get(kind) ?? 0) + turn.answered)
      process.stderr.write('.')
    }
  }
  process.stderr.write('\n')
  return { windows: turns, answered: counts }
}

function microseconds(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

/** @returns function → kind → µs a request */
function selfTimes({ nodes, samples, timeDeltas, startTime }: Profile) {
  const shownAs = new Map(nodes.map(({ id, callFrame }) => [id, shown(callFrame)]))
  const found = new Map<string, Map<string, number>>()
  let now = startTime
  for (const [index, id] of samples.entries()) {
    const delta = timeDeltas[index] ?? 0
    now += delta
    const name = shownAs.get(id) ?? ''
    const kind = windows.find(({ from, to }) => from <= now && now <= to)?.kind
    if (name === '(idle)' || kind === undefined) continue
    const byKind = found.get(name) ?? new Map<string, number>()
    found.set(name, byKind)
    byKind.set(kind, (byKind.get(kind) ?? 0) + delta / (answered.get(kind) ?? Number.NaN))
  }
  return found
}

function shown({ functionName, url, lineNumber }: CallFrame): string {
  if (url === '') return functionName
  const place = url
    .replace(/^file:\/\//, '')
    .replace(ROOT, '')
    .replace(/^.*node_modules\//, '')
  return `${functionName || '(anonymous)'} ${place}:${lineNumber + 1}`
}
