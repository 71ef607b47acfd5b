import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { basic } from '../support/send.ts'
import { sendRaw } from '../support/send-raw.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'

const SECRET = 'a generated secret'
const HOST = 'Host: sidecar.test'
const AUTHORIZATION = `Authorization: ${basic('batch', SECRET)}`
const SECOND = `DELETE /smuggled HTTP/1.1\r\n${HOST}\r\n${AUTHORIZATION}\r\nConnection: close\r\n\r\n`
const LENGTH = SECOND.length

const running = sharedSidecar(test, { clients: [secretClient('batch', SECRET)] })

const lines: Readonly<Record<string, readonly string[]>> = {
  'a disguised length': [`Content_Length: ${LENGTH}`],
  'a disguised coding': ['Transfer_Encoding: chunked'],
  'a length with zeros before it': ['Content-Length: 00'],
  'a repeated host': [HOST],
  'a Connection that names the length': ['Connection: content-length'],
}

for (const [what, more] of Object.entries(lines)) {
  for (const path of ['/orders', '/connect/token']) {
    test(`what stands behind a request to ${path} with ${what} is not taken for a request`, async (t) => {
      const { port, pki, upstream, log } = running()
      const head = [
        `POST ${path}?${what.replaceAll(' ', '-')} HTTP/1.1`,
        HOST,
        AUTHORIZATION,
        ...more,
      ]
      const before = log.length
      const text = await sendRaw(port, pki.rootCa.pem, `${head.join('\r\n')}\r\n\r\n${SECOND}`)
      t.deepEqual(text.match(/HTTP\/1\.1 \d{3}/g), ['HTTP/1.1 400'])
      t.false(upstream.arrived.some(({ url }) => url === '/smuggled'))
      t.true(log.length > before)
    })
  }
}

test('what stands behind a target of another form is not taken for a request', async (t) => {
  const { port, pki, upstream } = running()
  const first = `POST http://user:password@sidecar.test/ HTTP/1.1\r\n${HOST}\r\n\r\n`
  const text = await sendRaw(port, pki.rootCa.pem, first + SECOND)
  t.deepEqual(text.match(/HTTP\/1\.1 \d{3}/g), ['HTTP/1.1 400'])
  t.false(upstream.arrived.some(({ url }) => url === '/smuggled'))
})

test('two sound requests in one write are answered in order, each judged alone', async (t) => {
  const { port, pki, upstream } = running()
  const first = `GET /first HTTP/1.1\r\n${HOST}\r\n${AUTHORIZATION}\r\n\r\n`
  const second = `GET /second HTTP/1.1\r\n${HOST}\r\nConnection: close\r\n\r\n`
  const text = await sendRaw(port, pki.rootCa.pem, first + second)
  t.deepEqual(text.match(/HTTP\/1\.1 \d{3}/g), ['HTTP/1.1 200', 'HTTP/1.1 401'])
  t.true(upstream.arrived.some(({ url }) => url === '/first'))
  t.false(upstream.arrived.some(({ url }) => url === '/second'))
})
