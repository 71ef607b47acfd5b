import { getRow, programRow } from './support/clients.ts'
import { compare } from './support/measure.ts'
import { apache } from './support/peers/apache.ts'
import { haproxy } from './support/peers/haproxy.ts'
import { introspection } from './support/peers/introspection.ts'
import { nginx } from './support/peers/nginx.ts'
import { nodeProxies } from './support/peers/node-proxies.ts'
import { tokenOf, vouchgate } from './support/peers/vouchgate.ts'
import { openStage } from './support/stage.ts'
import { basic } from './support/world.ts'

/**
 * What a forwarded GET of 13 bytes costs here and elsewhere: with a cached token, a secret, a thumbprint on a kept
 * connection, and nothing. All rows of the first table send the same header lines. `node bench/forward.ts`
 */
await using stage = await openStage()
const ours = await vouchgate(stage)
const token = await tokenOf(stage, ours)
const judge = await introspection(stage, token)
const front = await nginx(stage, { introspection: judge.port })
const balancer = await haproxy(stage)
const httpd = await apache(stage, judge)
const others = await nodeProxies(stage)

const headers = [`Authorization: Bearer ${token}`]
const peers = [front?.asking, httpd, front?.plain, balancer?.plain, ...others]
await compare('GET of 13 bytes with a token, TLS, 32 kept connections', [
  getRow(stage, ours, { name: 'vouchgate, cached JWT', headers }),
  getRow(stage, ours, { name: 'vouchgate, public route', headers, path: '/public' }),
  ...peers.filter((one) => one !== undefined).map((one) => getRow(stage, one, { headers })),
])
const asked = await judge.asked()
// One from each peer, or a few where several requests came at once.
if (asked > 100)
  throw new Error(`the peers asked ${asked} times: what they measure is no cached answer`)

await compare('GET of 13 bytes with a Basic secret, TLS, 32 kept connections', [
  getRow(stage, ours, {
    name: 'vouchgate, Basic secret',
    headers: [`Authorization: ${basic('batch')}`],
  }),
])

const mutual = { client: 'kept-connections.mjs', certificate: 'thumb' }
const demanding = [front?.mutual, balancer?.mutual].filter((one) => one !== undefined)
await compare('GET of 13 bytes, mTLS, 32 kept connections', [
  programRow(stage, { ...ours, name: 'vouchgate, certificate thumbprint' }, mutual),
  ...demanding.map((one) => programRow(stage, one, mutual)),
])
