import test from 'ava'

import { createMetrics } from '../../src/operations/metrics.ts'
import { workerMetrics } from '../../src/operations/worker-metrics.ts'

function world() {
  const states = { serving: 2, starting: 0, silent: 0 }
  const shown = workerMetrics(createMetrics('1.2.3'), () => states)
  return { states, shown, text: async () => (await shown.render()).text }
}

async function counting(requests: number) {
  const metrics = createMetrics('1.2.3')
  for (let count = 0; count < requests; count++) metrics.proxied(200)
  metrics.refused('invalid_client', 'secret-mismatch')
  metrics.showUnderWay(() => requests)
  return metrics.figures()
}

test('what the workers count is added up, and what they run is said once', async (t) => {
  const { shown, text } = world()
  shown.seen({}, await counting(3))
  shown.seen({}, await counting(4))
  const all = await text()
  t.regex(all, /^vouchgate_requests_total\{status="2xx"\} 7$/m)
  t.regex(all, /^vouchgate_refusals_total\{error="invalid_client",reason="secret-mismatch"\} 2$/m)
  t.regex(all, /^vouchgate_requests_under_way 7$/m)
  t.regex(all, /^vouchgate_build_info\{version="1\.2\.3",node="[^"]+"\} 1$/m)
  t.is(all.match(/^# TYPE vouchgate_requests_total /gm)?.length, 1)
})

test('what a worker counted before it ended goes on counting, what it measured does not', async (t) => {
  const { shown, text } = world()
  const [one, other, next] = [{}, {}, {}]
  shown.seen(one, await counting(3))
  shown.seen(other, await counting(4))
  shown.ended(one)
  shown.seen(next, await counting(0))
  shown.ended(next)
  const all = await text()
  t.regex(all, /^vouchgate_requests_total\{status="2xx"\} 7$/m)
  t.regex(all, /^vouchgate_refusals_total\{.*\} 3$/m)
  t.regex(all, /^vouchgate_requests_under_way 4$/m)
  t.regex(all, /^vouchgate_worker_ends_total 2$/m)
})

test('how the workers are is said when it is asked for', async (t) => {
  const { states, text } = world()
  t.regex(await text(), /^vouchgate_workers\{state="serving"\} 2$/m)
  Object.assign(states, { serving: 1, silent: 1 })
  const all = await text()
  t.regex(all, /^vouchgate_workers\{state="serving"\} 1$/m)
  t.regex(all, /^vouchgate_workers\{state="silent"\} 1$/m)
  t.regex(all, /^vouchgate_workers\{state="starting"\} 0$/m)
})
