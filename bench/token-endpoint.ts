import type { ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'

import { httpsText } from '../src/commands/token-request.ts'
import { compare, serverProcess, wrk } from './support/measure.ts'
import type { Peer } from './support/measure.ts'
import { BASIC, configuration, makeWorld, ROOT, SECRET, untilUp } from './support/world.ts'

/**
 * What a token costs at our endpoint, at oidc-provider's and what a bare answer costs.
 * `node bench/token-endpoint.ts [seconds a turn]`; needs wrk.
 */
const SECONDS = Number(process.argv[2] ?? 4)

const world = await makeWorld()
const started: ChildProcess[] = []
const tls = [world.file('tls.key'), world.file('tls.crt')]

function script(name: string, authorization: string, body: string): string {
  const lines = [
    'wrk.method = "POST"',
    `wrk.body = "${body}"`,
    'wrk.headers["Content-Type"] = "application/x-www-form-urlencoded"',
    `wrk.headers["Authorization"] = "${authorization}"`,
  ]
  return world.file(`${name}.lua`, lines.join('\n'))
}

function start(command: readonly string[]): number {
  const child = serverProcess([process.execPath, ...command])
  started.push(child)
  return child.pid ?? 0
}

const support = (name: string) => path.join(ROOT, 'bench/support', name)
const vouchgate = (file: string) => [path.join(ROOT, 'bin/vouchgate.mjs'), 'serve', '-c', file]
const GRANT = 'grant_type=client_credentials&scope=read'
const opaque = `Basic ${btoa(`opaque:${SECRET}`)}`

try {
  const ours = start(vouchgate(configuration(world, 18_443, 9, { use: 'memory' })))
  const durable = start(
    vouchgate(configuration(world, 18_453, 9, { use: 'sqlite', path: 'state.db' })),
  )
  const provider = start([support('oidc-provider.mjs'), '18463', ...tls])
  const bare = start([support('bare-server.mjs'), '18473', ...tls])
  const trusted = { ca: readFileSync(world.file('ca.crt'), 'utf8') }
  for (const port of [18_443, 18_453, 18_463, 18_473]) {
    await untilUp(() => httpsText(`https://localhost:${port}/`, trusted))
  }
  const peer = (name: string, pid: number, port: number, at: string, lua: string): Peer => ({
    name,
    pid,
    load: () =>
      wrk({
        url: `https://localhost:${port}${at}`,
        connections: 16,
        seconds: SECONDS,
        script: lua,
      }),
  })
  const jwt = script('jwt', BASIC, GRANT)
  const handle = script('handle', opaque, GRANT)
  compare('Token endpoint: client_credentials, Basic secret, 16 connections', [
    peer('vouchgate, ES256 JWT', ours, 18_443, '/connect/token', jwt),
    peer('vouchgate, reference token, memory', ours, 18_443, '/connect/token', handle),
    peer('vouchgate, reference token, sqlite', durable, 18_453, '/connect/token', handle),
    peer(
      'oidc-provider, ES256 JWT',
      provider,
      18_463,
      '/token',
      script('provider-jwt', BASIC, `${GRANT}&resource=urn:jwt`),
    ),
    peer('oidc-provider, opaque', provider, 18_463, '/token', script('provider', BASIC, GRANT)),
    peer('bare HTTPS answer', bare, 18_473, '/', jwt),
  ])
} finally {
  for (const child of started) child.kill()
  world.end()
}
