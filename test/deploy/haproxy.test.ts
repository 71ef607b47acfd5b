import { randomUUID } from 'node:crypto'

import test from 'ava'

import { behindProxy } from './support/behind-proxy.ts'
import { example, fitted } from './support/proxy.ts'

behindProxy(test, {
  folder: 'haproxy',
  probe: ['haproxy', '-v'],
  run({ port, sidecarPort, upstreamPort, pki }) {
    // Such names are one for the whole machine.
    const socket = { 'abns@vouchgate': `abns@vouchgate-${randomUUID()}` }
    return {
      port,
      files: {
        'haproxy.cfg': fitted(example('haproxy/haproxy.cfg'), {
          ...socket,
          'bind :443 ': `bind 127.0.0.1:${port} `,
          '127.0.0.1:8443': `127.0.0.1:${sidecarPort}`,
          '127.0.0.1:8080': `127.0.0.1:${upstreamPort}`,
          '/etc/haproxy/tls/': '',
          '/etc/haproxy/': '',
        }),
        'vouchgate.lua': fitted(example('haproxy/vouchgate.lua'), socket),
        'tls.pem': pki.server.cert + pki.server.key,
        'vouchgate-ca.crt': pki.rootCa.pem,
      },
      command: () => ['haproxy', '-f', 'haproxy.cfg', '-db'],
    }
  },
})
