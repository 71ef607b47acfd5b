import { existsSync } from 'node:fs'

import { freePort } from '../stage.ts'
import type { Server, Stage } from '../stage.ts'

const PROGRAM = '/usr/sbin/nginx'

export interface Nginx {
  /** Without authentication. Takes HTTP/2 where `http2` is set. */
  readonly plain: Server
  /** Demands a certificate of the authority. */
  readonly mutual: Server
  /** Asks `introspection` about each token, and remembers what it said. */
  readonly asking: Server
}

/** Starts nginx with one worker. @param introspection the port of what judges tokens @returns nothing where it is not installed */
export async function nginx(
  stage: Stage,
  { introspection = 9, http2 = false }: { introspection?: number; http2?: boolean } = {},
): Promise<Nginx | undefined> {
  if (!existsSync(PROGRAM)) {
    process.stderr.write('nginx is not installed: its rows are left out\n')
    return undefined
  }
  const { folder } = stage.world
  const [plain, mutual, asking] = [await freePort(), await freePort(), await freePort()]
  const listen = (port: number) => `listen 127.0.0.1:${port} ssl${http2 ? ' http2' : ''};`
  const file = stage.world.file(
    'nginx.conf',
    `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
worker_rlimit_nofile 20000;
events { worker_connections 19000; }
http {
  access_log off; keepalive_requests 1000000000; keepalive_timeout 10m; client_max_body_size 1g;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi; uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  proxy_cache_path ${folder}/cache keys_zone=tokens:10m;
  upstream api { server 127.0.0.1:${stage.upstream}; keepalive 128; keepalive_requests 1000000000; }
  map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
  ssl_certificate ${folder}/tls.crt; ssl_certificate_key ${folder}/tls.key;
  ssl_session_cache shared:tls:10m;
  proxy_http_version 1.1;
  proxy_set_header Connection $connection_upgrade; proxy_set_header Upgrade $http_upgrade;
  proxy_buffering off; proxy_request_buffering off;
  server { ${listen(plain)} location / { proxy_pass http://api; } }
  server {
    ${listen(mutual)} ssl_client_certificate ${folder}/ca.crt; ssl_verify_client on;
    location / { proxy_pass http://api; }
  }
  server {
    ${listen(asking)}
    location / {
      auth_request /introspect; auth_request_set $client $sent_http_x_client_id;
      proxy_set_header Connection ""; proxy_set_header X-Client-Id $client; proxy_pass http://api;
    }
    location = /introspect {
      internal; proxy_pass http://127.0.0.1:${introspection}/judge; proxy_pass_request_body off;
      proxy_set_header Connection ""; proxy_set_header Content-Length ""; proxy_buffering on;
      proxy_cache tokens; proxy_cache_key $http_authorization; proxy_cache_valid 200 10m;
    }
  }
}`,
  )
  const pid = stage.serve([PROGRAM, '-c', file, '-e', stage.world.file('start.log')])
  await stage.untilUp(plain)
  const at = (name: string, port: number): Server => ({
    name,
    pid,
    url: (to) => `https://localhost:${port}${to}`,
  })
  return {
    plain: at('nginx, no authentication', plain),
    mutual: at('nginx, ssl_verify_client', mutual),
    asking: at('nginx, auth_request, cached answer', asking),
  }
}
