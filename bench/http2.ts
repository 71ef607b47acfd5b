import { http2Row } from './support/clients.ts'
import { compare } from './support/measure.ts'
import { haproxy } from './support/peers/haproxy.ts'
import { nginx } from './support/peers/nginx.ts'
import { tokenOf, vouchgate } from './support/peers/vouchgate.ts'
import { openStage } from './support/stage.ts'

/** What a forwarded GET of 13 bytes costs over HTTP/2. `node bench/http2.ts` */
await using stage = await openStage()
const ours = await vouchgate(stage)
const headers = [`Authorization: Bearer ${await tokenOf(stage, ours)}`]
const peers = [(await nginx(stage, { http2: true }))?.plain, (await haproxy(stage))?.plain]
await compare('GET of 13 bytes over HTTP/2, TLS, 4 connections with 100 streams each', [
  http2Row(stage, ours, { name: 'vouchgate, cached JWT', headers }),
  http2Row(stage, ours, { name: 'vouchgate, public route', headers, path: '/public' }),
  ...peers.filter((one) => one !== undefined).map((one) => http2Row(stage, one, { headers })),
])
