import test from 'ava'

import { behindProxy } from './support/behind-proxy.ts'
import { example, fitted } from './support/proxy.ts'

behindProxy(test, {
  folder: 'nginx',
  probe: ['nginx', '-v'],
  run: ({ port, sidecarPort, upstreamPort, pki }) => ({
    port,
    files: {
      'nginx.conf': MAIN,
      'vouchgate.conf': fitted(example('nginx/vouchgate.conf'), {
        'listen 443 ': `listen 127.0.0.1:${port} `,
        '127.0.0.1:8443': `127.0.0.1:${sidecarPort}`,
        '127.0.0.1:8080': `127.0.0.1:${upstreamPort}`,
        '/etc/nginx/tls/': '',
      }),
      'tls.crt': pki.server.cert,
      'tls.key': pki.server.key,
      'vouchgate-ca.crt': pki.rootCa.pem,
    },
    command: (folder) => ['nginx', '-p', folder, '-c', 'nginx.conf', '-e', 'stderr'],
  }),
})

/** One process that can be ended by its id, and everything it writes in its own folder. */
const MAIN = `
daemon off;
master_process off;
pid nginx.pid;
error_log stderr;
events {}
http {
  access_log off;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  include vouchgate.conf;
}
`
