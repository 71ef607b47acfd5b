import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect as connectHttp2 } from 'node:http2'
import { request as httpsRequest } from 'node:https'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { secretClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { basic } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'

const SECRET = 'a generated secret'
const authorization = basic('batch', SECRET)

/** Streams that are open at the API, by path. */
const open = new Map<string, ServerResponse>()
const closed = new Set<string>()

const running = sharedSidecar(test, {
  clients: [secretClient('batch', SECRET)],
  answer(request, response) {
    const path = request.url ?? ''
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
    response.flushHeaders()
    response.on('close', () => closed.add(path))
    open.set(path, response)
  },
})

interface EventStream {
  readonly body: Readable
  abort(): void
}

async function overHttp1(t: ExecutionContext, path: string): Promise<EventStream> {
  const { port, pki } = running()
  const ca = pki.rootCa.pem
  const headers = { authorization, accept: 'text/event-stream' }
  const request = httpsRequest({ host: 'localhost', port, ca, path, headers, agent: false }).end()
  t.teardown(() => request.destroy())
  request.on('error', () => undefined)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  t.is(response.headers['content-type'], 'text/event-stream')
  response.on('error', () => undefined)
  return { body: response, abort: () => request.destroy() }
}

async function overHttp2(t: ExecutionContext, path: string): Promise<EventStream> {
  const { port, pki } = running()
  const session = connectHttp2(`https://localhost:${port}`, { ca: pki.rootCa.pem })
  t.teardown(() => {
    session.destroy()
  })
  const stream = session.request({ ':path': path, authorization })
  await once(stream, 'response')
  return { body: stream, abort: () => stream.close(8) }
}

for (const [protocol, subscribe] of [
  ['HTTP/1.1', overHttp1],
  ['HTTP/2', overHttp2],
] as const) {
  test(`each event is there before the next one is sent, over ${protocol}`, async (t) => {
    const path = `/events/${protocol}`
    const { body } = await subscribe(t, path)
    const api = await eventually(() => open.get(path))
    for (const event of ['data: 1\n\n', 'id: 7\ndata: zwei\n\n', ': still here\n\n']) {
      api.write(event)
      const [piece] = (await once(body, 'data')) as [Buffer]
      t.is(piece.toString(), event)
    }
    const ended = once(body, 'end')
    api.end()
    await ended
  })

  test(`a subscriber that goes away is gone at the API too, over ${protocol}`, async (t) => {
    const path = `/left/${protocol}`
    const { body, abort } = await subscribe(t, path)
    const api = await eventually(() => open.get(path))
    api.write('data: 1\n\n')
    await once(body, 'data')
    abort()
    await eventually(() => (closed.has(path) ? true : undefined))
    t.true(api.destroyed)
  })
}
