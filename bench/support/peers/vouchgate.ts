import path from 'node:path'

import { httpsText } from '../../../src/commands/token-request.ts'
import { PROGRAM } from '../options.ts'
import { freePort } from '../stage.ts'
import type { Server, Stage } from '../stage.ts'
import { basic, ROOT } from '../world.ts'

export interface VouchgateOptions {
  readonly name?: string
  /** Over the settings of all rows; one level deep they are merged. */
  readonly settings?: Readonly<Record<string, object>>
  /** Instead of those of the world. */
  readonly clients?: readonly object[]
  /** For Node, before the program. */
  readonly flags?: readonly string[]
}

/** What no test of speed is to run into; the rest is as it comes. */
const LISTEN = {
  host: '127.0.0.1',
  certificate: 'tls.crt',
  key: 'tls.key',
  maxConnections: 100_000,
  maxConnectionsPerSource: 100_000,
  maxRequestsPerConnection: 1_000_000_000,
}

/** Starts ours. `/public` needs nobody, everything else a client that is proven. */
export async function vouchgate(stage: Stage, options: VouchgateOptions = {}): Promise<Server> {
  const { name = 'vouchgate', settings = {}, clients = stage.world.clients, flags = [] } = options
  const [port, operations] = [await freePort(), await freePort()]
  const all: Record<string, unknown> = {
    issuer: `https://localhost:${port}`,
    listen: { ...LISTEN, port },
    operations: { host: '127.0.0.1', port: operations },
    upstream: `http://127.0.0.1:${stage.upstream}`,
    clients: `clients-${port}.json`,
    trust: { anchors: ['ca.crt'] },
    routes: [{ path: '/public', public: true }],
    state: { use: 'memory' },
    log: { level: 'error' },
  }
  for (const [setting, value] of Object.entries(settings)) {
    const before = all[setting]
    const isMerged = typeof before === 'object' && !Array.isArray(before)
    all[setting] = isMerged ? { ...before, ...value } : value
  }
  stage.world.file(`clients-${port}.json`, JSON.stringify({ clients }))
  const file = stage.world.file(`vouchgate-${port}.yaml`, JSON.stringify(all))
  const program = path.resolve(ROOT, PROGRAM)
  const pid = stage.serve([process.execPath, ...flags, program, 'serve', '-c', file])
  await stage.untilUp(port)
  return { name, pid, url: (to) => `https://localhost:${port}${to}` }
}

/** A token of one of our clients, from our own endpoint. */
export async function tokenOf(stage: Stage, server: Server, clientId = 'batch'): Promise<string> {
  const answer = await httpsText(
    server.url('/connect/token'),
    { ca: stage.world.read('ca.crt') },
    {
      form: new URLSearchParams({ grant_type: 'client_credentials' }),
      headers: { authorization: basic(clientId) },
    },
  )
  const { access_token: token } = JSON.parse(answer.body) as { access_token?: string }
  if (token === undefined) throw new Error(`no token: ${answer.body}`)
  return token
}
