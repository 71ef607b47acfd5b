import { IncomingMessage } from 'node:http'
import { Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'

import test from 'ava'

import { compileRoutes } from '../../../src/gateway/routes.ts'
import { Tunnel } from '../../../src/gateway/upgrades/tunnel.ts'
import { createTunnels } from '../../../src/gateway/upgrades/tunnels.ts'
import { recentRevocations } from '../../../src/introspection/recent-revocations.ts'
import type { Introspection } from '../../../src/introspection/introspection.ts'
import { createLog } from '../../../src/operations/log.ts'
import { createMetrics } from '../../../src/operations/metrics.ts'
import type { Snapshot } from '../../../src/snapshot.ts'

const REVOKED: Introspection = { active: false, refusal: { reason: 'token-revoked' } }
const ACTIVE: Introspection = {
  active: true,
  issuer: 'https://other.test',
  clientId: 'batch',
  scopes: [],
  audience: [],
}

/** Tunnels whose tokens are asked about, and the questions that wait for their answer. */
function setUp() {
  const asked: ((answer: Introspection) => void)[] = []
  const snapshot = {
    settings: {
      upgrades: { closeAtExpiry: true, closeAtRevocation: true, recheck: 30_000 },
      tokens: {},
    },
    routes: compileRoutes([]),
    introspect: () => new Promise<Introspection>((resolve) => asked.push(resolve)),
    authentication: { registry: { find: () => undefined } },
    issuerPolicies: new Map([['https://other.test', { clients: new Map(), clientPrefix: '' }]]),
  } as unknown as Snapshot
  const revoked = recentRevocations({ lifetime: 1000, entries: 10, clock: () => 0 })
  const log = createLog('silent')
  const tunnels = createTunnels(() => snapshot, { log, metrics: createMetrics('1'), revoked })
  const request = new IncomingMessage(new Socket())
  request.headers.authorization = 'DPoP token'
  const open = () => {
    const ended: string[] = []
    const tunnel = new Tunnel(new Socket(), new Socket(), 1000, (reason) => {
      ended.push(reason)
      remove()
    })
    const question = { request, method: 'GET', target: { ok: true, path: '/', query: '' } } as const
    const principal = { clientId: 'batch', scopes: [], method: 'dpop' }
    const remove = tunnels.add({
      tunnel,
      requestId: 'id',
      path: '/',
      opened: { question, principal },
    })
    return ended
  }
  return { tunnels, revoked, asked, open }
}

const START = Date.now()
const at = (seconds: number) => new Date(START + seconds * 1000)

test('one that was just opened is asked about at the next look: its token may have been revoked meanwhile', async (t) => {
  const { tunnels, asked, open } = setUp()
  const ended = open()
  tunnels.look(at(1))
  t.is(asked.length, 1)
  asked[0]?.(REVOKED)
  while (tunnels.size > 0) await setImmediate()
  t.deepEqual(ended, ['token-revoked'])
})

test('after that it is asked about each time that long has passed, and at once when anything was revoked', async (t) => {
  const { tunnels, revoked, asked, open } = setUp()
  open()
  tunnels.look(at(1))
  asked[0]?.(ACTIVE)
  await setImmediate()
  tunnels.look(at(30))
  t.is(asked.length, 1)
  tunnels.look(at(31))
  t.is(asked.length, 2)
  asked[1]?.(ACTIVE)
  await setImmediate()
  revoked.add('another')
  tunnels.look(at(32))
  t.is(asked.length, 3)
})

test('what is revoked while it is asked about is asked about once more', async (t) => {
  const { tunnels, revoked, asked, open } = setUp()
  const ended = open()
  tunnels.look(at(1))
  revoked.add('its token')
  tunnels.look(at(2))
  t.is(asked.length, 1, 'one question at a time')
  asked[0]?.(ACTIVE)
  await setImmediate()
  tunnels.look(at(3))
  t.is(asked.length, 2)
  asked[1]?.(REVOKED)
  while (tunnels.size > 0) await setImmediate()
  t.deepEqual(ended, ['token-revoked'])
})
