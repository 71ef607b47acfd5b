import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

import { httpsText } from '../src/commands/token-request.ts'
import { compare, serverProcess, wrk } from './support/measure.ts'
import type { Peer } from './support/measure.ts'
import { BASIC, configuration, makeWorld, ROOT, untilUp } from './support/world.ts'
import type { World } from './support/world.ts'

/**
 * What a forwarded request costs here and in nginx: with a cached token, with a secret, on a public
 * route, and on a new mTLS connection each.
 * `node bench/gateway.ts [seconds a turn]`; needs wrk and nginx.
 */
const SECONDS = Number(process.argv[2] ?? 4)
const UPSTREAM = 18_580
const OURS = 18_543
const NGINX = 18_563

const world = await makeWorld()
const started: ChildProcess[] = []
const support = (name: string) => path.join(ROOT, 'bench/support', name)

function start(command: readonly string[]): number {
  const child = serverProcess(command)
  started.push(child)
  return child.pid ?? 0
}

function nginxConfiguration({ folder }: World): string {
  return `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 1000000;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream api { server 127.0.0.1:${UPSTREAM}; keepalive 64; }
  ssl_certificate ${folder}/tls.crt; ssl_certificate_key ${folder}/tls.key;
  proxy_http_version 1.1; proxy_set_header Connection "";
  server { listen 127.0.0.1:${NGINX} ssl; location / { proxy_pass http://api; } }
  server {
    listen 127.0.0.1:${NGINX + 1} ssl; ssl_client_certificate ${folder}/ca.crt; ssl_verify_client on;
    location / { proxy_pass http://api; }
  }
}`
}

try {
  const upstream = spawn('taskset', [
    '-c',
    '1',
    process.execPath,
    support('upstream.mjs'),
    `${UPSTREAM}`,
  ])
  started.push(upstream)
  const ours = start([
    process.execPath,
    path.join(ROOT, 'bin/vouchgate.mjs'),
    'serve',
    '-c',
    configuration(world, OURS, UPSTREAM, { use: 'memory' }),
  ])
  const trusted = { ca: readFileSync(world.file('ca.crt'), 'utf8') }
  const at = (port: number, to: string) => `https://localhost:${port}${to}`
  await untilUp(() => httpsText(at(OURS, '/public'), trusted))
  const grant = await httpsText(at(OURS, '/connect/token'), trusted, {
    form: new URLSearchParams({ grant_type: 'client_credentials' }),
    headers: { authorization: BASIC },
  })
  const { access_token: token } = JSON.parse(grant.body) as { access_token: string }

  const keptAlive = (name: string, pid: number, url: string, headers: readonly string[]): Peer => ({
    name,
    pid,
    load: () => wrk({ url, connections: 32, seconds: SECONDS, headers }),
  })
  const fresh = (name: string, pid: number, url: string): Peer => ({
    name,
    pid,
    load() {
      const args = ['-c', '1', process.execPath, support('new-connections.mjs'), url, world.folder]
      const { stdout } = spawnSync('taskset', [...args, `${SECONDS}`], { encoding: 'utf8' })
      return Number(stdout)
    },
  })
  const kept = [
    keptAlive('vouchgate, cached JWT', ours, at(OURS, '/orders'), [
      `Authorization: Bearer ${token}`,
    ]),
    keptAlive('vouchgate, Basic secret', ours, at(OURS, '/orders'), [`Authorization: ${BASIC}`]),
    keptAlive('vouchgate, public route', ours, at(OURS, '/public'), []),
  ]
  const connections = [fresh('vouchgate, subject name', ours, at(OURS, '/orders'))]
  if (existsSync('/usr/sbin/nginx')) {
    const file = world.file('nginx.conf', nginxConfiguration(world))
    const nginx = start(['/usr/sbin/nginx', '-c', file, '-e', world.file('start.log')])
    await untilUp(() => httpsText(at(NGINX, '/'), trusted))
    kept.push(keptAlive('nginx, no authentication', nginx, at(NGINX, '/'), []))
    connections.push(fresh('nginx, ssl_verify_client', nginx, at(NGINX + 1, '/')))
  } else {
    console.log('nginx is not installed: its rows are left out')
  }
  compare('GET of 13 bytes, TLS, 32 kept connections', kept)
  compare('GET on a new mTLS connection each', connections)
} finally {
  for (const child of started) child.kill()
  world.end()
}
