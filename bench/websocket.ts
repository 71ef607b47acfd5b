import { programRow } from './support/clients.ts'
import { compare } from './support/measure.ts'
import { haproxy } from './support/peers/haproxy.ts'
import { nginx } from './support/peers/nginx.ts'
import { tokenOf, vouchgate } from './support/peers/vouchgate.ts'
import { openStage } from './support/stage.ts'

/** What a message of 64 bytes on a WebSocket costs, there and back. `node bench/websocket.ts` */
await using stage = await openStage()
const ours = await vouchgate(stage)
const token = await tokenOf(stage, ours)
const peers = [(await nginx(stage))?.plain, (await haproxy(stage))?.plain]
const servers = [ours, ...peers.filter((one) => one !== undefined)]
await compare(
  'WebSocket echo of 64 bytes, TLS, 32 connections',
  servers.map((one) => programRow(stage, one, { client: 'websockets.mjs', more: [token] })),
  'message',
)
