import { programRow } from './support/clients.ts'
import { compare } from './support/measure.ts'
import { haproxy } from './support/peers/haproxy.ts'
import { nginx } from './support/peers/nginx.ts'
import { vouchgate } from './support/peers/vouchgate.ts'
import { openStage } from './support/stage.ts'

/** What a GET on a new TLS connection with a client certificate costs. `node bench/new-connections.ts` */
await using stage = await openStage()
const ours = await vouchgate(stage)
const peers = [(await nginx(stage))?.mutual, (await haproxy(stage))?.mutual]
const client = 'new-connections.mjs'
await compare('GET of 13 bytes on a new mTLS connection each', [
  programRow(stage, { ...ours, name: 'vouchgate, subject name' }, { client, certificate: 'named' }),
  programRow(stage, { ...ours, name: 'vouchgate, thumbprint' }, { client, certificate: 'thumb' }),
  ...peers
    .filter((one) => one !== undefined)
    .map((one) => programRow(stage, one, { client, certificate: 'named' })),
])
