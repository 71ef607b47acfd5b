import { once } from 'node:events'

import test from 'ava'

import type { ClientRequest, ClientResponse } from '../../src/http/client-message.ts'
import { connectionOf } from '../../src/http/client-message.ts'
import { eventually } from '../support/eventually.ts'
import { listen } from './support/listen.ts'

test('requests that were sent without waiting are handled one after the other', async (t) => {
  const seen: string[] = []
  const pending: ClientResponse[] = []
  const { open } = await listen(t, {}, (request, response) => {
    seen.push(`${request.method} ${request.url}`)
    pending.push(response)
  })
  const socket = await open()
  socket.write(
    'POST /1 HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n' +
      'GET /2 HTTP/1.1\r\nhost: x\r\n\r\nDELETE /3 HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
  )
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  for (const [index, expected] of ['POST /1', 'GET /2', 'DELETE /3'].entries()) {
    const response = await eventually(() => pending[index])
    t.deepEqual(seen.slice(index), [expected])
    response.writeHead(200, ['content-length', '2', 'x-of', expected])
    response.end('ok')
  }
  await once(socket, 'close')
  t.deepEqual(text.match(/x-of: .*/g), ['x-of: POST /1', 'x-of: GET /2', 'x-of: DELETE /3'])
})

test('what a client sends without waiting does not pile up', async (t) => {
  const { promise, resolve } = Promise.withResolvers<[ClientRequest, ClientResponse]>()
  let heard = 0
  const { open } = await listen(t, { maxRequestsPerConnection: 10_000 }, (request, response) => {
    if (heard++ === 0) {
      resolve([request, response])
      return
    }
    response.writeHead(200, ['content-length', '0'])
    response.end()
  })
  const socket = await open()
  const count = 2000
  // more than the buffers of the system on both sides
  socket.write(`GET / HTTP/1.1\r\nhost: x\r\nx-filler: ${'a'.repeat(10_000)}\r\n\r\n`.repeat(count))
  const [request, first] = await promise
  const turn = () => new Promise((next) => setImmediate(next))
  for (let turns = 0; turns < 200; turns++) await turn()
  t.true(connectionOf(request).bytesRead < 2_000_000, `${connectionOf(request).bytesRead}`)
  t.is(heard, 1)
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  first.writeHead(200, ['content-length', '0'])
  first.end()
  while ((text.match(/HTTP\/1\.1 200/g)?.length ?? 0) < count) await once(socket, 'data')
  t.is(heard, count)
})

test('a request whose turn does not come, because the connection ends before, is not handled', async (t) => {
  let heard = 0
  const { open } = await listen(t, {}, (_request, response) => {
    heard++
    response.shouldKeepAlive = false
    response.writeHead(200, ['content-length', '0'])
    setImmediate(() => response.end())
  })
  const socket = await open()
  socket.write('GET /1 HTTP/1.1\r\nhost: x\r\n\r\nGET /2 HTTP/1.1\r\nhost: x\r\n\r\n')
  await once(socket.resume(), 'close')
  t.is(heard, 1)
})
