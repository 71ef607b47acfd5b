import { once } from 'node:events'
import type { IncomingHttpHeaders } from 'node:http2'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { freePort } from '../gateway/support/free-port.ts'
import { secretClient } from '../support/clients.ts'
import { openRaw } from '../support/raw-tls.ts'
import type { RawTls } from '../support/raw-tls.ts'
import { basic } from '../support/send.ts'
import { openHttp2 } from '../support/send-http2.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { LogLine, Running } from '../support/start-sidecar.ts'

const SECRET = 'a generated secret'
const AUTHORIZATION = `Authorization: ${basic('batch', SECRET)}`
const CLIENTS = [secretClient('batch', SECRET)]
const FORM = `grant_type=client_credentials&client_id=batch&client_secret=${encodeURIComponent(SECRET)}`
const IS_FORM = 'Content-Type: application/x-www-form-urlencoded'

const running = sharedSidecar(test, { clients: CLIENTS })

/** Sends the head of a request that waits before it sends its body. */
function begin(t: ExecutionContext, at: Running, line: string, lines: readonly string[]) {
  const head = [`${line} HTTP/1.1`, 'Host: sidecar.test', 'Expect: 100-continue', ...lines]
  return openRaw(t, at.port, at.pki.rootCa.pem, `${head.join('\r\n')}\r\n\r\n`)
}

const hasStatus = (raw: RawTls, count: number) => raw.until(() => raw.statuses().length >= count)
const refusalAt = ({ refusals }: Running, path: string): LogLine | undefined =>
  refusals().find((line) => line['path'] === path)

for (const [what, body] of [
  ['small', 'hello'],
  ['large', 'a'.repeat(200_000)],
] as const) {
  for (const framing of [`Content-Length: ${body.length}`, 'Transfer-Encoding: chunked']) {
    test(`a caller who is admitted is told to send its ${what} body, ${framing.split(':')[0]}`, async (t) => {
      const path = `/orders/${what}/${framing.slice(0, 1)}`
      const raw = await begin(t, running(), `POST ${path}`, [AUTHORIZATION, framing])
      await hasStatus(raw, 1)
      t.deepEqual(raw.statuses(), [100])
      const chunked = `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`
      raw.socket.write(framing.includes('chunked') ? chunked : body)
      await hasStatus(raw, 2)
      t.deepEqual(raw.statuses(), [100, 200])
      const arrived = running().upstream.arrived.find(({ url }) => url === path)
      t.is(arrived?.body.toString(), body)
      t.is(arrived?.headers.expect, undefined)
    })
  }
}

test('a caller who is refused hears so before it sends its body, and the connection ends', async (t) => {
  const raw = await begin(t, running(), 'POST /refused', ['Content-Length: 5'])
  await raw.closed()
  t.deepEqual(raw.statuses(), [401])
  t.regex(raw.received(), /^connection: close/im)
  t.is(refusalAt(running(), '/refused')?.['status'], 401)
})

test('a caller who is refused and sends its body all the same is not misread', async (t) => {
  const raw = await begin(t, running(), 'POST /unasked', ['Content-Length: 500'])
  raw.socket.write(`GET /inside HTTP/1.1\r\nHost: sidecar.test\r\n${AUTHORIZATION}\r\n\r\n`)
  await raw.closed()
  t.deepEqual(raw.statuses(), [401])
  t.false(running().upstream.arrived.some(({ url }) => url === '/inside'))
})

test('a form is asked for when it is going to be read, and not when it is not', async (t) => {
  const length = `Content-Length: ${FORM.length}`
  const raw = await begin(t, running(), 'POST /connect/token', [IS_FORM, length])
  await hasStatus(raw, 1)
  t.deepEqual(raw.statuses(), [100])
  raw.socket.write(FORM)
  await hasStatus(raw, 2)
  t.deepEqual(raw.statuses(), [100, 200])
  for (const [line, type] of [
    ['POST /connect/token', 'Content-Type: application/json'],
    ['PUT /connect/token', IS_FORM],
  ] as const) {
    const refused = await begin(t, running(), line, [type, length])
    await refused.closed()
    t.deepEqual(refused.statuses(), [400])
  }
})

test('nobody is told to send a large body to an API that is not there', async (t) => {
  const settings = { upstream: `http://127.0.0.1:${await freePort()}` }
  const own = await startSidecar(t, { clients: CLIENTS, settings })
  const raw = await begin(t, own, 'POST /orders', [AUTHORIZATION, 'Content-Length: 200000'])
  await hasStatus(raw, 1)
  t.deepEqual(raw.statuses(), [502])
})

test('another expectation is refused with 417, over HTTP/1.1 and HTTP/2', async (t) => {
  const head = ['GET /other/1 HTTP/1.1', 'Host: sidecar.test', 'Expect: a-cookie', AUTHORIZATION]
  const { port, pki } = running()
  const raw = await openRaw(t, port, pki.rootCa.pem, `${head.join('\r\n')}\r\n\r\n`)
  await hasStatus(raw, 1)
  t.deepEqual(raw.statuses(), [417])
  const stream = openHttp2(t, running()).request({ ':path': '/other/2', expect: 'a-cookie' })
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
  t.like(headers, { ':status': 417 })
  for (const path of ['/other/1', '/other/2']) {
    t.like(refusalAt(running(), path), { status: 417, reason: 'expectation-unknown' })
    t.false(running().upstream.arrived.some(({ url }) => url === path))
  }
})

for (const [what, body] of [
  ['small', 'hello'],
  ['large', 'a'.repeat(200_000)],
] as const) {
  test(`HTTP/2: a caller who is admitted is told to send its ${what} body`, async (t) => {
    const path = `/http2/${what}`
    const stream = openHttp2(t, running()).request({
      ':method': 'POST',
      ':path': path,
      expect: '100-continue',
      authorization: basic('batch', SECRET),
    })
    await once(stream, 'continue')
    t.false(running().upstream.arrived.some(({ url }) => url === path))
    stream.end(body)
    const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders]
    t.like(headers, { ':status': 200 })
    const arrived = running().upstream.arrived.find(({ url }) => url === path)
    t.is(arrived?.body.toString(), body)
    t.is(arrived?.headers.expect, undefined)
  })
}

test('HTTP/2: a caller who is refused hears so before it sends its body, and may go on', async (t) => {
  const session = openHttp2(t, running())
  const head = { ':method': 'POST', ':path': '/http2/refused', expect: '100-continue' }
  const stream = session.request(head)
  let continued = false
  stream.on('continue', () => (continued = true))
  const [headers] = (await once(stream.resume(), 'response')) as [IncomingHttpHeaders]
  t.like(headers, { ':status': 401 })
  await once(stream, 'close')
  t.is(stream.rstCode, 0)
  t.false(continued)
  const again = session.request({ ':path': '/', authorization: basic('batch', SECRET) })
  t.like((await once(again, 'response'))[0], { ':status': 200 })
})

test('HTTP/2: a form is asked for when it is going to be read', async (t) => {
  const stream = openHttp2(t, running()).request({
    ':method': 'POST',
    ':path': '/connect/token',
    expect: '100-continue',
    'content-type': 'application/x-www-form-urlencoded',
  })
  await once(stream, 'continue')
  stream.end(FORM)
  t.like((await once(stream, 'response'))[0], { ':status': 200 })
})
