import test from 'ava'

import { behindProxy } from './support/behind-proxy.ts'
import { example, fitted } from './support/proxy.ts'

behindProxy(test, {
  folder: 'caddy',
  probe: ['caddy', 'version'],
  run: ({ port, sidecarPort, upstreamPort, pki }) => ({
    port,
    files: {
      Caddyfile:
        '{\n\tadmin off\n\tauto_https disable_redirects\n}\n' +
        fitted(example('caddy/Caddyfile'), {
          'api.example.com {': `https://localhost:${port} {\n\tbind 127.0.0.1`,
          '127.0.0.1:8443': `127.0.0.1:${sidecarPort}`,
          '127.0.0.1:8080': `127.0.0.1:${upstreamPort}`,
          '/etc/caddy/tls/': '',
        }),
      'tls.crt': pki.server.cert,
      'tls.key': pki.server.key,
      'vouchgate-ca.crt': pki.rootCa.pem,
    },
    command: () => ['caddy', 'run', '--config', 'Caddyfile', '--adapter', 'caddyfile'],
  }),
})
