import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import type { AddressInfo } from 'node:net'

import test from 'ava'

import { lastResponse, letGo } from '../../../src/gateway/upgrades/last-response.ts'

test('a response that was let go of closes once, and its connection stays', async (t) => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1')
  t.teardown(() => {
    client.destroy()
    server.close()
  })
  client.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
  const [request] = (await once(server, 'upgrade')) as [IncomingMessage]
  const response = lastResponse(request)
  let closed = 0
  response.on('close', () => closed++)
  const first = once(response, 'close')
  letGo(response, request)
  t.true(response.destroyed)
  await first
  request.socket.end('still there')
  const [chunk] = (await once(client, 'data')) as [Buffer]
  t.is(String(chunk), 'still there')
  await once(request.socket.resume(), 'close')
  t.is(closed, 1)
})
