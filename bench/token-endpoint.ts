import { compare } from './support/measure.ts'
import type { Row } from './support/measure.ts'
import { vouchgate } from './support/peers/vouchgate.ts'
import { freePort, openStage, program } from './support/stage.ts'
import type { Server } from './support/stage.ts'
import { basic } from './support/world.ts'
import { wrk } from './support/wrk.ts'

/** What a token costs at our endpoint, at oidc-provider's, and what a bare answer costs. `node bench/token-endpoint.ts` */
await using stage = await openStage()
const { world } = stage

const ours = await vouchgate(stage)
const durable = await vouchgate(stage, { settings: { state: { use: 'sqlite', path: 'state.db' } } })
const provider = await other('oidc-provider.mjs')
const bare = await other('bare-server.mjs')

const FORM = 'grant_type=client_credentials&scope=read'

await compare('Token endpoint: client_credentials, Basic secret, 16 connections', [
  row('vouchgate, ES256 JWT', ours, '/connect/token', 'batch'),
  row('vouchgate, reference token, memory', ours, '/connect/token', 'opaque'),
  row('vouchgate, reference token, SQLite', durable, '/connect/token', 'opaque'),
  row('oidc-provider, ES256 JWT', provider, '/token', 'batch', `${FORM}&resource=urn:jwt`),
  row('oidc-provider, opaque', provider, '/token', 'batch'),
  row('bare HTTPS answer', bare, '/', 'batch'),
])

async function other(file: string): Promise<Server> {
  const port = await freePort()
  const files = [world.file('tls.key'), world.file('tls.crt')]
  const pid = stage.serve([process.execPath, program(file), String(port), ...files])
  await stage.untilUp(port)
  return { name: file, pid, url: (to) => `https://localhost:${port}${to}` }
}

function row(name: string, server: Server, to: string, clientId: string, body = FORM): Row {
  const headers = [
    'Content-Type: application/x-www-form-urlencoded',
    `Authorization: ${basic(clientId)}`,
  ]
  const { folder } = world
  return {
    name,
    pid: server.pid,
    load: () => wrk({ url: server.url(to), folder, connections: 16, headers, body }),
  }
}
