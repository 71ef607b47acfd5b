import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import {
  block,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  isAnswer,
  isReset,
  openRawHttp2,
  request,
} from '../support/raw-http2.ts'
import type { Line } from '../support/raw-http2.ts'
import { basic } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import type { LogLine, Running } from '../support/start-sidecar.ts'

const SECRET = 'a generated secret'
const AUTHORIZATION: Line = ['authorization', basic('batch', SECRET)]
const SETS = ['generic', 'oauth2-proxy', 'kubernetes', 'kong']

const running = sharedSidecar(test, {
  settings: {
    routes: [{ path: '/public/**', public: true }],
    identity: { headers: SETS },
  },
  clients: [secretClient('batch', SECRET)],
})

const open = async (t: Parameters<typeof openRawHttp2>[0]) =>
  openRawHttp2(t, running().port, { ca: running().pki.rootCa.pem })

/** What arrived at a path, or nothing. Paths are used once. */
const arrivedAt = ({ upstream }: Running, path: string) =>
  upstream.arrived.filter(({ url }) => url === path)

const SPOOFS: readonly (readonly Line[])[] = [
  [['x-client-id', 'admin']],
  [
    ['x-client-id', 'admin'],
    ['x-client-id', 'batch'],
  ],
  [['x_client_id', 'admin']],
  [['x-client_id', 'admin']],
  [['x.client.id', 'admin']],
  [['x-client-scopes', 'admin']],
  [['x-forwarded-user', 'admin']],
  [['x_forwarded_user', 'admin']],
  [['x-remote-user', 'admin']],
  [['x-remote-group', 'system:masters']],
  [['x-remote-extra-scopes', 'admin']],
  [['x-consumer-username', 'admin']],
  [['x-credential-identifier', 'admin']],
  [['x-request-id', 'chosen']],
  [['x-forwarded-for', '10.0.0.1']],
  [['forwarded', 'for=10.0.0.1']],
  [['x-original-url', '/admin']],
  [['x-http-method-override', 'DELETE']],
]

for (const path of ['/public', '/orders']) {
  for (const [index, spoof] of SPOOFS.entries()) {
    const said = spoof.map(([name, value]) => `${name}: ${value}`).join(', ')
    test(`at ${path} nobody says over HTTP/2 ${said}`, async (t) => {
      const raw = await open(t)
      const own = `${path}/${index}`
      raw.write(request(1, [AUTHORIZATION, ...spoof], { path: own }))
      await raw.until(isAnswer(1))
      const [arrived] = arrivedAt(running(), own)
      t.truthy(arrived)
      const names = new Set(spoof.map(([name]) => name))
      const lines = arrived?.rawHeaders ?? []
      for (let i = 0; i < lines.length; i += 2) {
        const value = lines[i + 1]
        if (names.has(lines[i]?.toLowerCase() ?? '')) {
          t.false(
            spoof.some(([, spoofed]) => spoofed === value && value !== 'batch'),
            lines[i],
          )
        }
      }
      t.false(lines.some((text) => /admin|masters|chosen|10\.0\.0\.1|DELETE/.test(text)))
      const ids = lines.filter(
        (_, i) => i % 2 === 1 && lines[i - 1]?.toLowerCase() === 'x-client-id',
      )
      t.deepEqual(ids, path === '/public' ? [] : ['batch'])
    })
  }
}

const REFUSED: Readonly<Record<string, readonly [lines: readonly Line[], reason: string]>> = {
  'a Host that is not the authority': [[['host', 'other.test']], 'header-repeated'],
  'two credentials': [[AUTHORIZATION], 'header-repeated'],
  'a disguised length': [[['content_length', '5']], 'header-name-disguised'],
  'a disguised coding': [[['transfer_encoding', 'chunked']], 'header-name-disguised'],
  'a disguised content type': [[['content_type', 'x']], 'header-name-disguised'],
}

for (const [what, [lines, reason]] of Object.entries(REFUSED)) {
  test(`refused over HTTP/2: ${what}`, async (t) => {
    const path = `/refused/${what.replaceAll(' ', '-')}`
    const raw = await open(t)
    raw.write(request(1, [AUTHORIZATION, ...lines], { path }))
    await raw.until(isAnswer(1))
    const refusal = running()
      .refusals()
      .find((line) => line['path'] === path)
    t.like(refusal, { status: 400, reason })
    t.deepEqual(arrivedAt(running(), path), [])
    raw.write(request(3, [AUTHORIZATION], { path: `${path}/after` }))
    t.truthy(await raw.until(isAnswer(3)))
    t.is(arrivedAt(running(), `${path}/after`).length, 1)
  })
}

for (const [authority, reason] of [
  ['a b', undefined],
  ['evil.test/path', undefined],
  ['user@evil.test', undefined],
  ['evil.test:port', 'host-invalid'],
  ['', undefined],
  ['[::1', 'host-invalid'],
  ["evil.test'--", 'host-invalid'],
  ['a,b', 'host-invalid'],
] as const) {
  test(`an authority of odd characters is refused: ${authority}`, async (t) => {
    const path = `/authority/${Buffer.from(authority).toString('hex')}`
    const raw = await open(t)
    raw.write(request(1, [AUTHORIZATION], { path, authority }))
    const end = await raw.until((one) => isAnswer(1)(one) || isReset(1)(one))
    t.truthy(end)
    const refusal = running()
      .refusals()
      .find((line) => line['path'] === path)
    if (reason !== undefined) t.like(refusal, { status: 400, reason })
    else t.is(refusal, undefined)
    t.deepEqual(arrivedAt(running(), path), [])
  })
}

test('trailers of a client say nothing of who it is', async (t) => {
  const raw = await open(t)
  const path = '/trailers'
  raw.write(
    request(1, [AUTHORIZATION, ['te', 'trailers']], { method: 'POST', path, body: true }),
    frame(FRAME.data, 0, 1, 'hello'),
    frame(
      FRAME.headers,
      END_HEADERS | END_STREAM,
      1,
      block([
        ['x-client-id', 'admin'],
        ['x_client_id', 'admin'],
        ['authorization', 'Bearer admin'],
      ]),
    ),
  )
  await raw.until((one) => isAnswer(1)(one) || isReset(1)(one))
  const [arrived] = await eventually(() => {
    const found = arrivedAt(running(), path)
    return found.length > 0 ? found : undefined
  })
  t.is(arrived?.body.toString(), 'hello')
  t.is(arrived?.headers['x-client-id'], 'batch')
  t.false(JSON.stringify(arrived).includes('admin'))
})

test('CONNECT is refused', async (t) => {
  const raw = await open(t)
  const lines: Line[] = [[':method', 'CONNECT'], [':authority', '127.0.0.1:22'], AUTHORIZATION]
  raw.write(frame(FRAME.headers, END_HEADERS, 1, block(lines)))
  t.truthy(await raw.until(isAnswer(1)))
  const isConnect = (line: LogLine) => line['method'] === 'CONNECT'
  t.like(running().refusals().find(isConnect), { status: 400, reason: 'path-empty' })
})

test('crumbs of a cookie arrive as one line', async (t) => {
  const raw = await open(t)
  const crumbs: Line[] = [
    ['cookie', 'a=1'],
    ['x-between', '1'],
    ['cookie', 'b=2'],
  ]
  raw.write(request(1, [AUTHORIZATION, ...crumbs], { path: '/crumbs' }))
  await raw.until(isAnswer(1))
  const [arrived] = arrivedAt(running(), '/crumbs')
  t.is(arrived?.headers.cookie, 'a=1; b=2')
  t.is(arrived?.rawHeaders.filter((name) => name.toLowerCase() === 'cookie').length, 1)
})

test('more header lines than allowed are refused with a reason', async (t) => {
  const raw = await open(t)
  const lines = Array.from({ length: 110 }, (_, index): Line => [`x-${index}`, 'a'])
  raw.write(request(1, [AUTHORIZATION, ...lines], { path: '/many' }))
  await raw.until(isAnswer(1))
  const refusal = running()
    .refusals()
    .find((line) => line['path'] === '/many')
  t.like(refusal, { status: 431, reason: 'too-many-headers' })
})
