import { once } from 'node:events'
import { connect, constants } from 'node:http2'
import type { ClientHttp2Session, IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http2'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { secretClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { readOperations } from '../support/read-operations.ts'
import { basic } from '../support/send.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'

const SECRET = 'a generated secret'
const HEADERS = { authorization: basic('batch', SECRET) }
const KIB = 1024

/** A sidecar before an upstream that never answers /stall, and a connection to it. */
async function begin(t: ExecutionContext, limits: object) {
  const sidecar = await startSidecar(t, {
    settings: { limits },
    clients: [secretClient('batch', SECRET)],
    answer({ url }, response) {
      if (url !== '/stall') response.end('done')
    },
  })
  const session = connect(`https://localhost:${sidecar.port}`, { ca: sidecar.pki.rootCa.pem })
  t.teardown(() => {
    session.destroy()
  })
  session.on('error', () => undefined)
  await once(session, 'connect')
  return { sidecar, session }
}

/** Sends a request whose body is not ended. */
function open(session: ClientHttp2Session, path: string, headers: OutgoingHttpHeaders = {}) {
  const stream = session.request({ ':method': 'POST', ':path': path, ...HEADERS, ...headers })
  stream.on('error', () => undefined)
  const answer = Promise.withResolvers<IncomingHttpHeaders & { readonly ':status'?: number }>()
  stream.once('response', answer.resolve)
  stream.once('close', () => {
    answer.reject(new Error('closed without an answer'))
  })
  answer.promise.catch(() => undefined)
  return { stream, answer: answer.promise }
}

async function underWay(sidecar: Running): Promise<number> {
  const { text } = await readOperations(sidecar, '/metrics')
  return Number(/^vouchgate_requests_under_way (\d+)$/m.exec(text)?.[1])
}

async function isIdle(sidecar: Running): Promise<boolean> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if ((await underWay(sidecar)) === 0) return true
  }
  return false
}

for (const [what, headers] of [
  ['says so', { 'content-length': 200 * KIB }],
  ['does not say how long it is', {}],
] as const) {
  test(`over HTTP/2 a body that is too long and ${what} is refused, and its connection is kept`, async (t) => {
    const { sidecar, session } = await begin(t, { maxBody: '100KiB' })
    const { stream, answer } = open(session, '/up', headers)
    stream.write(Buffer.alloc(200 * KIB - 1))
    t.is((await answer)[':status'], 413)
    stream.resume()
    const [refusal] = await eventually(() =>
      sidecar.refusals().length > 0 ? sidecar.refusals() : undefined,
    )
    t.like(refusal, { reason: 'body-too-large', path: '/up', client: 'batch', status: 413 })
    if (!stream.closed) await once(stream, 'close')
    t.is(stream.rstCode, constants.NGHTTP2_NO_ERROR)
    t.false(sidecar.upstream.arrived.some(({ url }) => url === '/up'))
    const next = open(session, '/next')
    next.stream.end('x')
    t.is((await next.answer)[':status'], 200)
    t.true(await isIdle(sidecar))
  })
}

test('over HTTP/2 a request too many is told to come again, and the others go on', async (t) => {
  const { sidecar, session } = await begin(t, { concurrentRequests: 1 })
  const held = open(session, '/stall')
  held.stream.end()
  await eventually(() => (sidecar.upstream.arrived.length === 1 ? true : undefined))
  const second = open(session, '/')
  const answer = await second.answer
  t.is(answer[':status'], 503)
  t.is(answer['retry-after'], '1')
  t.like(
    sidecar.log.find(({ event }) => event === 'load.shed'),
    { reason: 'overloaded', underWay: 1 },
  )
  held.stream.close(constants.NGHTTP2_CANCEL)
  t.true(await isIdle(sidecar))
  const third = open(session, '/')
  third.stream.end()
  t.is((await third.answer)[':status'], 200)
})

test('requests that are taken back at once are not counted for ever', async (t) => {
  const { sidecar, session } = await begin(t, { concurrentRequests: 1000 })
  for (let index = 0; index < 60; index++) {
    const { stream } = open(session, index % 2 === 0 ? '/stall' : '/')
    if (index % 3 === 0) stream.end()
    stream.close(constants.NGHTTP2_CANCEL)
  }
  const last = open(session, '/last')
  last.stream.end()
  await once(last.stream, 'close')
  t.true(await isIdle(sidecar))
})
