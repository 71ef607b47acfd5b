import { compare } from './support/measure.ts'
import type { Row } from './support/measure.ts'
import { haproxy } from './support/peers/haproxy.ts'
import { nginx } from './support/peers/nginx.ts'
import { nodeProxies } from './support/peers/node-proxies.ts'
import { tokenOf, vouchgate } from './support/peers/vouchgate.ts'
import { openStage } from './support/stage.ts'
import type { Server } from './support/stage.ts'
import { wrk } from './support/wrk.ts'

/** What bodies cost, down and up, of 64 KiB and of 10 MiB. `node bench/bodies.ts` */
await using stage = await openStage()
const ours = await vouchgate(stage, { name: 'vouchgate, cached JWT' })
const headers = [`Authorization: Bearer ${await tokenOf(stage, ours)}`]
const peers = [(await nginx(stage))?.plain, (await haproxy(stage))?.plain]
const others = await nodeProxies(stage)
const servers = [ours, ...peers.filter((one) => one !== undefined), ...others]
const { folder } = stage.world

const down = (size: number, connections: number) => (server: Server) => ({
  ...server,
  load: () => wrk({ url: server.url(`/bytes/${size}`), folder, connections, headers }),
})
const up = (size: number, connections: number) => (server: Server) => ({
  ...server,
  load: () => wrk({ url: server.url('/orders'), folder, connections, headers, body: size }),
})
const KIB = 1024
const MIB = 1024 * KIB
const rows = (each: (server: Server) => Row) => servers.map(each)
await compare('GET of 64 KiB, TLS, 16 kept connections', rows(down(64 * KIB, 16)))
await compare('POST of 64 KiB, TLS, 16 kept connections', rows(up(64 * KIB, 16)))
await compare('GET of 10 MiB, TLS, 4 kept connections', rows(down(10 * MIB, 4)))
await compare('POST of 10 MiB, TLS, 4 kept connections', rows(up(10 * MIB, 4)))
