import { getRow } from './support/clients.ts'
import { compare } from './support/measure.ts'
import type { Row } from './support/measure.ts'
import { REQUESTS } from './support/options.ts'
import { tokenOf, vouchgate } from './support/peers/vouchgate.ts'
import { openStage } from './support/stage.ts'
import { basic, secretClient } from './support/world.ts'

/** Whether a GET costs the same with many clients and with many routes. `node bench/scale.ts [--requests MOST]` */
const MOST = REQUESTS ?? 100_000
await using stage = await openStage()

const byClients: Row[] = []
for (const many of [100, 1000, 10_000, 100_000].filter((count) => count <= MOST)) {
  const others = Array.from({ length: many - 1 }, (_, index) => secretClient(`client-${index}`))
  // In the middle: neither the first that is found nor the last.
  const clients = others.toSpliced(many / 2, 0, secretClient('batch'))
  const server = await vouchgate(stage, { clients })
  const bearer = [`Authorization: Bearer ${await tokenOf(stage, server)}`]
  const secret = [`Authorization: ${basic('batch')}`]
  byClients.push(
    { ...getRow(stage, server, { name: `${many} clients, cached JWT`, headers: bearer }) },
    { ...getRow(stage, server, { name: `${many} clients, Basic secret`, headers: secret }) },
  )
}
await compare('GET of 13 bytes by the number of clients', byClients)

const byRoutes: Row[] = []
for (const many of [1, 10, 100, 1000, 10_000].filter((count) => count <= MOST)) {
  const routes = Array.from({ length: many }, (_, index) => ({
    path: `/api-${index}/*/items/**`,
    methods: ['GET'],
    scopes: ['read'],
  }))
  const server = await vouchgate(stage, { settings: { routes } })
  const headers = [`Authorization: Bearer ${await tokenOf(stage, server)}`]
  const path = `/api-${many - 1}/7/items/1`
  byRoutes.push(getRow(stage, server, { name: `${many} routes, the last one`, headers, path }))
}
await compare('GET of 13 bytes by the number of routes', byRoutes)
