import { ONLY, ROUNDS } from './options.ts'
import { cpuOf } from './processes.ts'

/** What one turn of load brought. */
export interface Turn {
  /** Requests, or messages, that were answered as they should be. */
  readonly answered: number
  /** Milliseconds; absent where nobody measures it. */
  readonly p99?: number
}

/** One row: a server under one kind of load. */
export interface Row {
  readonly name: string
  /** The process whose CPU counts, with all that it started. */
  readonly pid: number
  /** Sends requests for a while; fails when any is not answered as it should be. */
  load(): Promise<Turn>
  /** Sends so many requests a second for a while. */
  loadAt?(perSecond: number): Promise<Turn>
}

/** What a row came to; medians of the rounds. */
export interface Figures {
  readonly cpu: number
  readonly rate: number
  /** Under full load. */
  readonly p99: number | undefined
  /** At half of the rate that it reached. */
  readonly p99AtHalf: number | undefined
}

/** Node's rows are at their own speed only after a while: one took 58 µs, then 43, 41, 39 and 36 in turns of 3 s. */
const WARM_UP = 4

/** Measures the rows in turns, several rounds, after some that do not count. */
export async function measure(rows: readonly Row[]): Promise<ReadonlyMap<string, Figures>> {
  const kept = rows.filter(({ name }) => name.includes(ONLY))
  const turns = new Map(kept.map(({ name }) => [name, emptyTurns()]))
  for (let turn = 0; turn < WARM_UP; turn++) for (const { load } of kept) await load()
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, pid, load } of kept) {
      const [before, start] = [cpuOf(pid), performance.now()]
      const { answered, p99 } = await load()
      const seconds = (performance.now() - start) / 1000
      const seen = turns.get(name)
      seen?.cpu.push((cpuOf(pid) - before) / answered)
      seen?.rate.push(answered / seconds)
      if (p99 !== undefined) seen?.p99.push(p99)
      process.stderr.write('.')
    }
  }
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, loadAt } of kept) {
      const seen = turns.get(name)
      if (!loadAt || !seen) continue
      const { p99 } = await loadAt(median(seen.rate) / 2)
      if (p99 !== undefined) seen.half.push(p99)
      process.stderr.write('.')
    }
  }
  process.stderr.write('\n')
  return new Map(
    [...turns].map(([name, { cpu, rate, p99, half }]) => [
      name,
      {
        cpu: median(cpu),
        rate: median(rate),
        p99: p99.length > 0 ? median(p99) : undefined,
        p99AtHalf: half.length > 0 ? median(half) : undefined,
      },
    ]),
  )
}

function emptyTurns() {
  return { cpu: [] as number[], rate: [] as number[], p99: [] as number[], half: [] as number[] }
}

/** Measures the rows and prints them. @param what is counted: `request`, `message` */
export async function compare(
  title: string,
  rows: readonly Row[],
  what = 'request',
): Promise<ReadonlyMap<string, Figures>> {
  const figures = await measure(rows)
  printTable(
    title,
    [...figures].map(([name, { cpu, rate, p99, p99AtHalf }]) => ({
      '': name,
      [`CPU µs a ${what}`]: rounded(cpu),
      [`${what}s/s`]: Math.round(rate),
      ...(p99 !== undefined && { 'p99 ms at full load': rounded(p99, 2) }),
      ...(p99AtHalf !== undefined && { 'p99 ms at half load': rounded(p99AtHalf, 2) }),
    })),
  )
  return figures
}

/** Prints a table as Markdown, as the README has it. */
export function printTable(
  title: string,
  rows: readonly Readonly<Record<string, string | number>>[],
): void {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |\n`
  const body = rows.map((row) => line(columns.map((column) => row[column] ?? '')))
  const head = line(columns.map((column) => (column === '' ? title : column)))
  process.stdout.write(`\n${head}${line(columns.map(() => '---'))}${body.join('')}`)
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

export function rounded(value: number, digits = 1): number {
  return Number(value.toFixed(digits))
}
