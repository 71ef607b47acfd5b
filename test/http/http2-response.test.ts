import { once } from 'node:events'
import { connect } from 'node:http2'
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import type { ClientResponse } from '../../src/http/client-message.ts'
import type { RequestListener } from '../../src/http/listener-handlers.ts'
import {
  CODE,
  codeOf,
  END_STREAM,
  FRAME,
  isAnswer,
  isReset,
  openRawHttp2,
  request,
  reset,
} from '../support/raw-http2.ts'
import { listen } from './support/listen.ts'

async function client(t: ExecutionContext, onRequest: RequestListener) {
  const { port, authorities } = await listen(t, {}, onRequest)
  const session = connect(`https://localhost:${port}`, { ca: authorities.rootCa.pem })
  t.teardown(() => session.destroy())
  return session
}

async function ask(session: ClientHttp2Session, method = 'GET') {
  const stream = session.request({ ':method': method, ':path': '/' })
  let trailers: IncomingHttpHeaders | undefined
  stream.on('trailers', (received) => (trailers = received))
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  let text = ''
  for await (const chunk of stream.setEncoding('latin1')) text += String(chunk)
  return { headers, text, trailers }
}

test('lines are sent as they are, repeated ones too, and obsolete text byte for byte', async (t) => {
  const session = await client(t, (_request, response) => {
    response.writeHead(201, [
      'content-type',
      'text/plain',
      'set-cookie',
      'a=1',
      'set-cookie',
      'b=2',
      'etag',
      '"a"',
      'etag',
      '"b"',
      'x-old',
      'café',
    ])
    response.end('hello')
  })
  const { headers, text } = await ask(session)
  t.is(text, 'hello')
  t.like(headers, { ':status': 201, 'content-type': 'text/plain', 'x-old': 'caf\xe9' })
  t.deepEqual(headers['set-cookie'], ['a=1', 'b=2'])
})

test('an answer to HEAD has no body, whatever is written', async (t) => {
  let failed: unknown
  const session = await client(t, (_request, response) => {
    response.on('error', (error) => (failed = error))
    response.writeHead(200, ['content-length', '10'])
    response.write('hello')
    response.end('again')
  })
  const { headers, text } = await ask(session, 'HEAD')
  t.like(headers, { ':status': 200, 'content-length': '10' })
  t.is(text, '')
  t.is(failed, undefined)
  t.like((await ask(session, 'HEAD')).headers, { ':status': 200 })
})

test('an answer to HEAD that has a body still to come ends without a fault', async (t) => {
  const { port, authorities } = await listen(t, {}, (_request, response) => {
    response.writeHead(200, ['content-length', '5'])
    t.true(response.write('hello'))
    response.end()
  })
  const raw = await openRawHttp2(t, port, { ca: authorities.rootCa.pem })
  raw.write(request(1, [], { method: 'HEAD', body: true }), request(3))
  await raw.until(isAnswer(3))
  const end = raw.frames.find(isReset(1))
  t.is(end ? codeOf(end) : CODE.none, CODE.none)
})

test('trailers follow the body; without them, and when none may follow, nothing does', async (t) => {
  const session = await client(t, (received, response) => {
    if (received.method === 'PUT') response.trailersMayFollow = false
    response.writeHead(200, [])
    response.write('hello')
    if (received.method === 'GET') response.addTrailers({ 'grpc-status': '0' })
    response.end()
  })
  const told = await ask(session)
  t.is(told.text, 'hello')
  t.is(told.trailers?.['grpc-status'], '0')
  for (const method of ['POST', 'PUT']) {
    const { text, trailers } = await ask(session, method)
    t.is(text, 'hello')
    t.is(trailers, undefined)
  }
})

test('when no trailers may follow, the last piece of the body is the end', async (t) => {
  const { port, authorities } = await listen(t, {}, (_request, response) => {
    response.trailersMayFollow = false
    response.writeHead(200, [])
    response.end('hello')
  })
  const raw = await openRawHttp2(t, port, { ca: authorities.rootCa.pem })
  raw.write(request(1))
  const last = await raw.until(({ type, flags }) => type === FRAME.data && (flags & END_STREAM) > 0)
  t.is(last?.payload.toString(), 'hello')
})

test('an answer that is cut off does not pass for whole', async (t) => {
  const { port, authorities } = await listen(t, {}, (_request, response) => {
    response.writeHead(200, [])
    response.write('half')
    setImmediate(() => response.destroy())
  })
  const raw = await openRawHttp2(t, port, { ca: authorities.rootCa.pem })
  raw.write(request(1))
  const end = await raw.until(isReset(1))
  t.is(end && codeOf(end), CODE.internal)
  t.false(raw.frames.some(({ type, flags }) => type === FRAME.data && (flags & END_STREAM) > 0))
})

test('an answer whose client gives up is destroyed, and not finished', async (t) => {
  const { promise, resolve } = Promise.withResolvers<ClientResponse>()
  const { port, authorities } = await listen(t, {}, (_request, response) => {
    response.writeHead(200, [])
    response.write('half')
    resolve(response)
  })
  const raw = await openRawHttp2(t, port, { ca: authorities.rootCa.pem })
  raw.write(request(1))
  const response = await promise
  await raw.until(isAnswer(1))
  t.false(response.destroyed)
  const closed = once(response, 'close')
  raw.write(reset(1, CODE.cancel))
  await closed
  t.true(response.destroyed)
  t.false(response.writableFinished)
  t.notThrows(() => {
    response.writeHead(200, [])
    response.end('more')
    response.destroy()
  })
})

test('an answer that is through is finished', async (t) => {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const session = await client(t, (_request, response) => {
    response.once('close', () => {
      resolve(response.writableFinished)
    })
    response.writeHead(200, [])
    response.end('hello')
  })
  await ask(session)
  t.true(await promise)
})
