import { existsSync } from 'node:fs'
import path from 'node:path'

import { freePort, program } from '../stage.ts'
import type { Server, Stage } from '../stage.ts'
import { ROOT } from '../world.ts'

/** Starts the other proxies on Node. @returns none where they are not installed */
export async function nodeProxies(stage: Stage): Promise<readonly Server[]> {
  if (!existsSync(path.join(ROOT, 'bench/node_modules'))) {
    process.stderr.write('Run "npm ci --prefix bench": rows of Node proxies are left out\n')
    return []
  }
  const { world, upstream } = stage
  const start = async (name: string, file: string): Promise<Server> => {
    const port = await freePort()
    const files = [world.file('tls.key'), world.file('tls.crt')]
    const ports = [String(port), String(upstream)]
    const pid = stage.serve([process.execPath, program(file), ...ports, ...files])
    await stage.untilUp(port)
    return { name, pid, url: (to) => `https://localhost:${port}${to}` }
  }
  return [
    await start('@fastify/http-proxy, no authentication', 'fastify-proxy.mjs'),
    await start('http-proxy, no authentication', 'http-proxy.mjs'),
  ]
}
