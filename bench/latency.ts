import { h2loadAt } from './support/h2load.ts'
import { median, printTable, rounded } from './support/measure.ts'
import { ROUNDS } from './support/options.ts'
import { nginx } from './support/peers/nginx.ts'
import { tokenOf, vouchgate } from './support/peers/vouchgate.ts'
import { openStage } from './support/stage.ts'
import { wrk } from './support/wrk.ts'
import { SECONDS } from './support/options.ts'

/**
 * What we add to the slowest hundredth of the answers, at half of the load that we can bear: the same requests at the
 * same rate straight to the API, through nginx, and through us. `node bench/latency.ts`
 */
await using stage = await openStage()
const ours = await vouchgate(stage)
const headers = [`Authorization: Bearer ${await tokenOf(stage, ours)}`]
const front = await nginx(stage)
const { folder } = stage.world

const full = await wrk({ url: ours.url('/orders'), folder, headers })
const rate = full.answered / SECONDS / 2
const places = [
  ['straight to the API, no TLS', `http://127.0.0.1:${stage.upstream}/orders`],
  ...(front ? [[front.plain.name, front.plain.url('/orders')] as const] : []),
  ['vouchgate, cached JWT', ours.url('/orders')],
] as const
const seen = new Map<string, number[]>(places.map(([name]) => [name, []]))
for (let round = 0; round < ROUNDS; round++) {
  for (const [name, url] of places) {
    const one = { url, folder, headers, protocol: 'h1', connections: 1 } as const
    const { p99 = Number.NaN } = await h2loadAt(one, rate)
    seen.get(name)?.push(p99)
    process.stderr.write('.')
  }
}
process.stderr.write('\n')
const direct = median(seen.get(places[0][0]) ?? [])
printTable(
  `GET of 13 bytes, ${Math.round(rate)} a second`,
  [...seen].map(([name, values]) => ({
    '': name,
    'p99 ms': rounded(median(values), 2),
    'added ms': rounded(median(values) - direct, 2),
  })),
)
