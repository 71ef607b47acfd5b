import test from 'ava'

import { upgradesSchema } from '../../src/config/upgrades-schema.ts'

test('whoever configures nothing gets WebSocket, and connections that end with their tokens', (t) => {
  t.deepEqual(upgradesSchema.parse(undefined), {
    protocols: ['websocket'],
    closeAtExpiry: true,
    closeAtRevocation: true,
    recheck: 30_000,
    maxConnections: 4096,
    handshakeTimeout: 10_000,
    idleTimeout: 600_000,
  })
})

test('protocols are compared without regard to case', (t) => {
  t.deepEqual(upgradesSchema.parse({ protocols: ['WebSocket', 'SPDY/3.1'] }).protocols, [
    'websocket',
    'spdy/3.1',
  ])
})

for (const protocol of ['h2c', 'H2C', 'h2', 'h3', 'HTTP/2.0', 'TLS/1.0', 'tls']) {
  test(`${protocol} is no protocol to upgrade to: it carries requests`, (t) => {
    const { error } = upgradesSchema.safeParse({ protocols: [protocol] })
    t.regex(error?.issues[0]?.message ?? '', /which nobody would judge/)
  })
}

for (const protocol of ['', 'a b', 'websocket, h2c', 'a/b/c', 'x\r\ny', 'ü']) {
  test(`${JSON.stringify(protocol)} is no protocol`, (t) => {
    t.false(upgradesSchema.safeParse({ protocols: [protocol] }).success)
  })
}
