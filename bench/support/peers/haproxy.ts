import { existsSync } from 'node:fs'

import { freePort } from '../stage.ts'
import type { Server, Stage } from '../stage.ts'

const PROGRAM = '/usr/sbin/haproxy'

export interface Haproxy {
  /** Without authentication; HTTP/1.1 and HTTP/2. */
  readonly plain: Server
  /** Demands a certificate of the authority. */
  readonly mutual: Server
}

/** Starts HAProxy with one thread. @returns nothing where it is not installed */
export async function haproxy(stage: Stage): Promise<Haproxy | undefined> {
  if (!existsSync(PROGRAM)) {
    process.stderr.write('haproxy is not installed: its rows are left out\n')
    return undefined
  }
  const { world, upstream } = stage
  const pem = world.file('haproxy.pem', world.read('tls.crt') + world.read('tls.key'))
  const [plain, mutual] = [await freePort(), await freePort()]
  const bind = (port: number) => `bind 127.0.0.1:${port} ssl crt ${pem} alpn h2,http/1.1`
  const file = world.file(
    'haproxy.cfg',
    `
global
  nbthread 1
  maxconn 9500
  tune.ssl.default-dh-param 2048
defaults
  mode http
  option http-keep-alive
  http-reuse always
  timeout connect 5s
  timeout client 10m
  timeout server 10m
  timeout tunnel 10m
  default_backend api
frontend plain
  ${bind(plain)}
frontend mutual
  ${bind(mutual)} ca-file ${world.file('ca.crt')} verify required
backend api
  server api 127.0.0.1:${upstream}
`,
  )
  const pid = stage.serve([PROGRAM, '-db', '-f', file])
  await stage.untilUp(plain)
  const at = (name: string, port: number): Server => ({
    name,
    pid,
    url: (to) => `https://localhost:${port}${to}`,
  })
  return {
    plain: at('HAProxy, no authentication', plain),
    mutual: at('HAProxy, verify required', mutual),
  }
}
