import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { secretClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { refusedWebSocket } from '../support/open-websocket.ts'
import { openRaw } from '../support/raw-tls.ts'
import { readOperations } from '../support/read-operations.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import type { ScriptedConnection } from '../support/scripted-upstream.ts'
import { basic } from '../support/send.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'

const SECRET = 'a generated secret'
const headers = { authorization: basic('batch', SECRET) }
const UPGRADE = [
  'GET / HTTP/1.1',
  'Host: sidecar.test',
  `Authorization: ${headers.authorization}`,
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  'Sec-WebSocket-Version: 13',
  '\r\n',
].join('\r\n')

/** A sidecar that leaves a target out after one failure. */
const start = (t: ExecutionContext, port: number) =>
  startSidecar(t, {
    clients: [secretClient('batch', SECRET)],
    settings: {
      upstream: { targets: [`http://127.0.0.1:${port}`], ejection: { failures: 1 } },
      upgrades: { handshakeTimeout: '300ms' },
    },
  })

const failureOf = ({ log }: Running) =>
  eventually(() => log.find(({ event }) => event === 'upstream.failed'))

/** Asserts that the target is still used. */
async function assertIn(t: ExecutionContext, sidecar: Running) {
  t.deepEqual(
    sidecar.log.filter(({ event }) => event === 'upstream.target-out'),
    [],
  )
  const { text } = await readOperations(sidecar, '/metrics')
  t.regex(text, /^vouchgate_upstream_requests_under_way{[^}]*} 0$/m)
  t.regex(text, /^vouchgate_upstream_target_out{[^}]*} 0$/m)
}

/** Failures that a caller may have chosen, by asking for something that answers so. */
const CHOSEN: Readonly<
  Record<string, readonly [number, string, (connection: ScriptedConnection) => void]>
> = {
  'says nothing in time': [504, 'upstream-timeout', () => undefined],
  'breaks the connection': [502, 'upstream-reset', ({ socket }) => socket.resetAndDestroy()],
  'agrees without a key': [
    502,
    'upstream-bad-response',
    ({ socket }) => {
      socket.write('HTTP/1.1 101 OK\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n')
    },
  ],
  'answers with a status that there is none of': [
    502,
    'upstream-bad-response',
    ({ socket }) => {
      socket.write('HTTP/1.1 600 X\r\nContent-Length: 0\r\n\r\n')
    },
  ],
}

for (const [what, [status, reason, script]] of Object.entries(CHOSEN)) {
  test(`a target that ${what} when an upgrade is asked of it is not left out for that`, async (t) => {
    const api = await scriptedUpstream(t, script)
    const sidecar = await start(t, api.port)
    const refused = await refusedWebSocket(t, sidecar, { headers })
    t.is(refused.status, status)
    t.like(refused.line, { event: 'upstream.failed', reason })
    await assertIn(t, sidecar)
  })
}

test('a target to which there is no connection is left out', async (t) => {
  const closed = createServer()
  closed.listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  await once(closed, 'close')
  const sidecar = await start(t, port)
  t.is((await refusedWebSocket(t, sidecar, { headers })).status, 502)
  t.like(
    sidecar.log.find(({ event }) => event === 'upstream.target-out'),
    { reason: 'upstream-refused' },
  )
})

/** An API that answers an upgrade with so many bytes of as many that it says. */
const answering = (t: ExecutionContext, bytes: number, length = bytes) =>
  scriptedUpstream(t, ({ socket }) => {
    socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`)
    socket.write(Buffer.alloc(bytes))
  })

test('a client that does not read the answer to its upgrade is let go, and nobody else is blamed', async (t) => {
  const api = await answering(t, 64 * 2 ** 20)
  const sidecar = await start(t, api.port)
  const raw = await openRaw(t, sidecar.port, sidecar.pki.rootCa.pem, UPGRADE)
  raw.socket.pause()
  t.like(await failureOf(sidecar), { reason: 'client-stalled', status: 200, client: 'batch' })
  await assertIn(t, sidecar)
})

test('a long answer to an upgrade arrives whole', async (t) => {
  const bytes = 8 * 2 ** 20
  const api = await answering(t, bytes)
  const sidecar = await start(t, api.port)
  const raw = await openRaw(t, sidecar.port, sidecar.pki.rootCa.pem, UPGRADE)
  await raw.closed()
  const text = raw.received()
  t.is(text.length - text.indexOf('\r\n\r\n') - 4, bytes)
  await assertIn(t, sidecar)
})

test('a client that goes away in the middle of such an answer is said to have gone', async (t) => {
  const api = await answering(t, 1, 2)
  const sidecar = await start(t, api.port)
  const raw = await openRaw(t, sidecar.port, sidecar.pki.rootCa.pem, UPGRADE)
  await raw.until((received) => received.endsWith('\0'))
  raw.socket.destroy()
  t.like(await failureOf(sidecar), { reason: 'client-aborted', status: 200 })
  await assertIn(t, sidecar)
})

test('an answer that does not go on is cut off, and the upstream said to be late', async (t) => {
  const api = await answering(t, 1, 2)
  const sidecar = await start(t, api.port)
  const raw = await openRaw(t, sidecar.port, sidecar.pki.rootCa.pem, UPGRADE)
  await raw.closed()
  t.deepEqual(raw.statuses(), [200])
  t.like(await failureOf(sidecar), { reason: 'upstream-timeout', status: 200 })
  await assertIn(t, sidecar)
})

test('an answer that breaks off is the fault of the upstream', async (t) => {
  const api = await scriptedUpstream(t, ({ socket }) => {
    socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n.')
  })
  const sidecar = await start(t, api.port)
  const raw = await openRaw(t, sidecar.port, sidecar.pki.rootCa.pem, UPGRADE)
  await raw.closed()
  t.deepEqual(raw.statuses(), [200])
  t.like(await failureOf(sidecar), { reason: 'upstream-reset', status: 200 })
  await assertIn(t, sidecar)
})
