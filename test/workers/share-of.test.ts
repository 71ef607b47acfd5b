import test from 'ava'
import type { ExecutionContext } from 'ava'

import { workersSchema } from '../../src/config/workers-schema.ts'
import type { Prepared } from '../../src/prepare.ts'
import { shareOf } from '../../src/workers/share-of.ts'
import { prepareConfiguration } from '../support/prepare-configuration.ts'

const SETTINGS = {
  listen: { maxConnections: 1000, maxConnectionsPerSource: 7, maxRequestsPerConnection: 50 },
  upgrades: { maxConnections: 10 },
  limits: { concurrentRequests: 100 },
  upstream: { targets: ['http://127.0.0.1:1'], limits: { connections: 3, waiting: 0 } },
  upstreams: { other: 'http://127.0.0.1:2' },
  upstreamLimits: { connections: 100, waiting: 400 },
}

async function prepared(t: ExecutionContext): Promise<Prepared> {
  const { prepared: found, lines } = await prepareConfiguration(t, { settings: SETTINGS })
  if (!found) throw new Error(lines.join())
  return found
}

test('what stands for the whole sidecar is divided among its workers, the rest is not', async (t) => {
  const whole = await prepared(t)
  const { settings } = shareOf(whole, 4)
  t.like(settings, {
    listen: { maxConnections: 250, maxConnectionsPerSource: 2, maxRequestsPerConnection: 50 },
    upgrades: { maxConnections: 10 },
    limits: { concurrentRequests: 100 },
    upstream: { limits: { connections: 1, waiting: 0 } },
    upstreamLimits: { connections: 25, waiting: 100 },
  })
  t.deepEqual(settings.upstreams, whole.settings.upstreams)
  t.is(settings.routes, whole.settings.routes)
})

test('the share of one is the whole', async (t) => {
  const whole = await prepared(t)
  t.deepEqual(shareOf(whole, 1).settings, whole.settings)
})

test('there are 1 to 64 workers, or as many as processors', (t) => {
  t.is(workersSchema.parse(undefined), 1)
  t.is(workersSchema.parse(64), 64)
  const auto = workersSchema.parse('auto')
  t.true(Number.isInteger(auto) && auto >= 1 && auto <= 64)
  for (const wrong of [0, 65, 1.5, '2', 'many', null, true]) {
    t.false(workersSchema.safeParse(wrong).success, String(wrong))
  }
})
