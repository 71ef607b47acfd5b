import { once } from 'node:events'
import { connect as connectHttp2, constants } from 'node:http2'
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
  OutgoingHttpHeaders,
} from 'node:http2'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { http2Upstream } from '../gateway/upstreams/support/http2-upstream.ts'
import type { Http2Upstream, StreamAnswer } from '../gateway/upstreams/support/http2-upstream.ts'
import { secretClient } from '../support/clients.ts'
import { recordingUpstream } from '../support/recording-upstream.ts'
import { basic } from '../support/send.ts'
import { sendRaw } from '../support/send-raw.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'

const SECRET = 'a generated secret'
const authorization = basic('batch', SECRET)

/** What the API answers, by path; else it says how long the body was. */
const ANSWERS: Readonly<Record<string, StreamAnswer>> = {
  '/trailers-only'(stream) {
    stream.respond({ ':status': 200, 'grpc-status': '5' }, { endStream: true })
  },
  '/cookies'(stream) {
    stream.respond({ ':status': 200, 'set-cookie': ['a=1', 'b=2'] })
    stream.end('OK')
  },
  '/hints'(stream) {
    stream.additionalHeaders({ ':status': 103, link: '</a.css>; rel=preload' })
    stream.respond({ ':status': 200 })
    stream.end('OK')
  },
  '/nothing'(stream) {
    stream.respond({ ':status': 204 })
    stream.end()
  },
  '/broken'(stream) {
    stream.respond({ ':status': 200 })
    stream.write('half', () => stream.destroy(new Error('broken')))
  },
  '/range'(stream) {
    stream.respond({ ':status': 206, 'content-type': 'multipart/byteranges; boundary=B' })
    stream.end('--B\r\nContent-Range: bytes 0-0/9\r\n\r\na\r\n--B--\r\n')
  },
  '/length'(stream, { headers }) {
    stream.respond({ ':status': 200, 'content-length': 12, 'x-method': headers[':method'] ?? '' })
    stream.end(headers[':method'] === 'HEAD' ? undefined : 'twelve bytes')
  },
}

const endings: (() => unknown)[] = []
let upstream: Http2Upstream
test.after.always(async () => {
  for (const end of endings) await end()
})

const running = sharedSidecar(test, async () => {
  upstream = await http2Upstream({ teardown: (end) => endings.push(end) }, (stream, seen) => {
    const answer = ANSWERS[seen.headers[':path'] ?? '']
    if (answer) {
      answer(stream, seen)
      return
    }
    stream.on('end', () => {
      if (stream.destroyed) return
      stream.respond({ ':status': 200 }, { waitForTrailers: true })
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '42' }))
      stream.end(String(seen.body.length))
    })
  })
  const plain = await recordingUpstream(
    { teardown: (end) => endings.push(end) },
    (_request, response) => {
      response.writeHead(200, { 'content-length': 9 })
      response.write('half', () => setImmediate(() => response.destroy()))
    },
  )
  return {
    settings: {
      upstreams: { plain: `http://127.0.0.1:${plain.port}` },
      routes: [{ path: '/plain', upstream: 'plain' }],
      upstream: { targets: [`http://127.0.0.1:${upstream.port}`], protocol: 'h2' },
    },
    clients: [secretClient('batch', SECRET)],
  }
})

function session(t: ExecutionContext): ClientHttp2Session {
  const { port, pki } = running()
  const opened = connectHttp2(`https://localhost:${port}`, { ca: pki.rootCa.pem })
  t.teardown(() => {
    opened.destroy()
  })
  opened.on('error', () => undefined)
  return opened
}

interface Got {
  readonly head: IncomingHttpHeaders & IncomingHttpStatusHeader
  /** Of the frame that the head came in. */
  readonly flags: number
  readonly body: string
  readonly trailers: IncomingHttpHeaders
  readonly interim: readonly IncomingHttpHeaders[]
}

async function got(stream: ClientHttp2Stream): Promise<Got> {
  let body = ''
  let trailers: IncomingHttpHeaders = {}
  const interim: IncomingHttpHeaders[] = []
  stream.on('data', (chunk: Buffer) => (body += chunk.toString()))
  stream.on('trailers', (received: IncomingHttpHeaders) => (trailers = received))
  stream.on('headers', (received: IncomingHttpHeaders) => interim.push(received))
  const response = once(stream, 'response') as Promise<[IncomingHttpHeaders, number]>
  const ended = once(stream, 'end')
  const [head, flags] = await response
  await ended
  return { head, flags, body, trailers, interim }
}

function get(t: ExecutionContext, path: string, more: OutgoingHttpHeaders = {}): Promise<Got> {
  return got(session(t).request({ ':path': path, authorization, ...more }))
}

test('trailers of a request reach the API at its end, but none that say who calls', async (t) => {
  const stream = session(t).request(
    { ':path': '/up', ':method': 'POST', authorization },
    { waitForTrailers: true },
  )
  stream.on('wantTrailers', () =>
    stream.sendTrailers({
      'x-checksum': '7',
      'x-client-id': 'root',
      x_client_id: 'root',
      authorization: 'Basic x',
      'x-forwarded-for': '1.2.3.4',
      'set-cookie': 'a=1',
    }),
  )
  stream.write('body')
  setImmediate(() => stream.end('more'))
  const { body, trailers } = await got(stream)
  t.is(body, '8')
  t.deepEqual(Object.entries(trailers), [['x-sum', '42']])
  const seen = upstream.seen.find(({ headers }) => headers[':path'] === '/up')
  t.deepEqual(Object.entries(seen?.trailers ?? {}), [['x-checksum', '7']])
  t.is(seen?.headers['x-client-id'], 'batch')
})

test('trailers of an HTTP/1.1 request reach the API too', async (t) => {
  const { port, pki } = running()
  const lines = [
    'POST /chunked HTTP/1.1',
    'Host: a',
    `Authorization: ${authorization}`,
    'Transfer-Encoding: chunked',
    'Connection: close',
  ]
  const body = '4\r\nbody\r\n0\r\nX-Checksum: 7\r\nX-Client-Id: root\r\n\r\n'
  const bytes = `${lines.join('\r\n')}\r\n\r\n${body}`
  t.regex(await sendRaw(port, pki.rootCa.pem, bytes), /^HTTP\/1\.1 200 /)
  const seen = upstream.seen.find(({ headers }) => headers[':path'] === '/chunked')
  t.deepEqual(Object.entries(seen?.trailers ?? {}), [['x-checksum', '7']])
})

test('an answer that is all head stays one, as gRPC wants it', async (t) => {
  const { head, flags, body } = await get(t, '/trailers-only')
  t.is(head['grpc-status'], '5')
  t.is(body, '')
  t.not(flags & constants.NGHTTP2_FLAG_END_STREAM, 0)
  t.regex(String(head['x-request-id']), /^[0-9a-f-]{36}$/)
})

test('repeated header lines, ranges, 204, HEAD and early hints arrive as they are', async (t) => {
  t.deepEqual((await get(t, '/cookies')).head['set-cookie'], ['a=1', 'b=2'])
  const range = await get(t, '/range')
  t.is(range.head[':status'], 206)
  t.regex(range.body, /^--B\r\nContent-Range: bytes 0-0\/9/)
  const nothing = await get(t, '/nothing')
  t.is(nothing.head[':status'], 204)
  t.is(nothing.body, '')
  const head = await get(t, '/length', { ':method': 'HEAD' })
  t.is(head.head['content-length'], '12')
  t.is(head.body, '')
  t.is((await get(t, '/length')).body, 'twelve bytes')
  const hints = await get(t, '/hints')
  t.is(hints.interim[0]?.link, '</a.css>; rel=preload')
  t.is(hints.body, 'OK')
})

test('an answer that breaks off is reset, and never looks whole', async (t) => {
  const stream = session(t).request({ ':path': '/broken', authorization })
  let body = ''
  let ended = false
  stream.on('data', (chunk: Buffer) => (body += chunk.toString()))
  stream.on('end', () => (ended = stream.rstCode === 0))
  stream.on('error', () => undefined)
  await new Promise((resolve) => stream.on('close', resolve))
  t.is(body, 'half')
  t.false(ended)
  t.is(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR)
})

test('a sized answer over HTTP/1.1 that breaks off is reset for a client over HTTP/2', async (t) => {
  const stream = session(t).request({ ':path': '/plain', authorization })
  let body = ''
  stream.on('data', (chunk: Buffer) => (body += chunk.toString()))
  stream.on('error', () => undefined)
  await new Promise((resolve) => stream.on('close', resolve))
  t.is(body, 'half')
  // a length that is not kept would be a PROTOCOL_ERROR that the client finds
  t.is(stream.rstCode, constants.NGHTTP2_INTERNAL_ERROR)
})

test('a stream that the client gives up is given up at the API', async (t) => {
  const stream = session(t).request({ ':path': '/given-up', ':method': 'POST', authorization })
  stream.on('error', () => undefined)
  stream.write('half')
  const find = () => upstream.seen.find(({ headers }) => headers[':path'] === '/given-up')
  const seen = await upstream.until(() => (find()?.body === 'half' ? find() : undefined))
  stream.close(constants.NGHTTP2_CANCEL)
  t.is(await upstream.until(() => seen.cancelled), constants.NGHTTP2_CANCEL)
})
