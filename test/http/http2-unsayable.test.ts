import { once } from 'node:events'
import { connect, constants, createServer } from 'node:http2'
import type { ClientHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { Http2Response } from '../../src/http/http2-response.ts'

/** What HTTP/2 cannot say (RFC 9113 §8.2.2). */
const UNSAYABLE = { name: 'http2-settings', value: 'x' } as const

/** Asks once of a server that answers so. */
async function asked(
  t: ExecutionContext,
  method: 'GET' | 'HEAD',
  answer: (response: Http2Response) => void,
): Promise<ClientHttp2Stream> {
  const server = createServer()
  server.on('session', (session) => {
    session.on('stream', (stream) => {
      stream.on('error', () => undefined)
      answer(new Http2Response(stream, method === 'HEAD'))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  t.teardown(() => {
    session.destroy()
    server.close()
  })
  const stream = session.request({ ':method': method })
  stream.on('error', () => undefined)
  return stream
}

test('after a head that cannot be said there can be another', async (t) => {
  const stream = await asked(t, 'GET', (response) => {
    const bad = [UNSAYABLE.name, UNSAYABLE.value]
    const code = 'ERR_HTTP2_INVALID_CONNECTION_HEADERS'
    t.throws(() => response.endWithHead(200, bad), { code })
    t.throws(() => response.writeHead(200, bad), { code })
    t.false(response.headersSent)
    response.writeHead(502, ['x-own', 'a'])
    response.end('no')
  })
  const [head] = (await once(stream, 'response')) as [Record<string, unknown>]
  t.like(head, { ':status': 502, 'x-own': 'a' })
  let text = ''
  for await (const chunk of stream) text += String(chunk)
  t.is(text, 'no')
})

test('trailers that cannot be said cut the answer off, and whoever gave them is told', async (t) => {
  const { promise, resolve } = Promise.withResolvers<readonly [Error, boolean]>()
  const stream = await asked(t, 'GET', (response) => {
    response.writeHead(200, [])
    response.write('some')
    response.addTrailers({ [UNSAYABLE.name]: UNSAYABLE.value }, (error) => {
      resolve([error, response.destroyed])
    })
    response.end()
  })
  const closed = new Promise((done) => stream.once('close', done))
  stream.resume()
  const [error, wasDestroyed] = await promise
  t.like(error, { code: 'ERR_HTTP2_INVALID_CONNECTION_HEADERS' })
  t.false(wasDestroyed)
  await closed
  t.is(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR)
})

for (const method of ['GET', 'HEAD'] as const) {
  test(`the answer to a ${method} closes once, and unfinished, when the stream is reset before it`, async (t) => {
    const { promise, resolve } = Promise.withResolvers<Http2Response>()
    const stream = await asked(t, method, resolve)
    const response = await promise
    let closes = 0
    response.on('close', () => closes++)
    const closed = once(response, 'close')
    stream.close(constants.NGHTTP2_CANCEL)
    await closed
    response.writeHead(200, [])
    response.end()
    await new Promise(setImmediate)
    t.is(closes, 1)
    t.false(response.writableFinished)
    t.false(response.headersSent)
  })
}
