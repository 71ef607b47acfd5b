import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { basic } from '../support/send.ts'
import { sendRaw } from '../support/send-raw.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'

const SECRET = 'a generated secret'
const AUTHORIZATION = basic('batch', SECRET)

const running = sharedSidecar(test, {
  settings: {
    routes: [
      { path: '/public', public: true },
      { path: '/keeps', forwardAuthorization: true },
      { path: '/public-keeps', public: true, forwardAuthorization: true },
    ],
  },
  clients: [secretClient('batch', SECRET), secretClient('bätch % 1', SECRET)],
})

const NAMES = [
  'X-Client-Id',
  'X-Client-Name',
  'X-Client-Scopes',
  'X-Client-Auth-Method',
  'X-Client-Certificate-Thumbprint',
  'X-Request-Id',
]
const SPELLINGS: Readonly<Record<string, (name: string) => string>> = {
  'as it is': (name) => name,
  'in lower case': (name) => name.toLowerCase(),
  'in capitals': (name) => name.toUpperCase(),
  'with underscores': (name) => name.replaceAll('-', '_'),
  'with one underscore': (name) => name.replace('-', '_'),
  'with dots': (name) => name.replaceAll('-', '.'),
  'with tildes': (name) => name.replaceAll('-', '~'),
}
const fold = (name: string) => name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')

for (const [path, spellings] of [
  ['/orders', SPELLINGS],
  ['/public', SPELLINGS],
] as const) {
  for (const [how, spell] of Object.entries(spellings)) {
    test(`on ${path} nobody can say who called, with the name written ${how}`, async (t) => {
      const spoofed = Object.fromEntries(NAMES.map((name) => [spell(name), 'spoofed']))
      const headers = { authorization: AUTHORIZATION, ...spoofed, 'x-other': 'mine' }
      const answer = await running().send({ path, headers })
      t.is(answer.status, 200, answer.text)
      const [arrived] = running().arrivedOf(answer)
      t.is(arrived?.headers['x-other'], 'mine')
      const said = (arrived?.rawHeaders ?? []).filter(
        (_, index, all) =>
          index % 2 === 0 && NAMES.some((name) => fold(name) === fold(all[index] ?? '')),
      )
      t.deepEqual(
        said.map(fold).toSorted(),
        path === '/public'
          ? ['x-request-id']
          : ['x-client-auth-method', 'x-client-id', 'x-client-scopes', 'x-request-id'],
      )
      t.false(JSON.stringify(arrived?.rawHeaders).includes('spoofed'))
    })
  }
}

for (const name of ['x-client-id', 'X-Request-Id', 'authorization', 'content-length', 'host']) {
  test(`Connection cannot take ${name} out on the way`, async (t) => {
    const text = await sendRaw(
      running().port,
      running().pki.rootCa.pem,
      `GET /orders HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${AUTHORIZATION}\r\n` +
        `Connection: close, ${name}\r\n\r\n`,
    )
    t.regex(text, /^HTTP\/1\.1 400 /)
    const id = /x-request-id: (\S+)/i.exec(text)?.[1]
    t.is(
      running()
        .refusals()
        .find(({ requestId }) => requestId === id)?.['reason'],
      'connection-names-protected-header',
    )
  })
}

test('a header cannot come again in the trailers', async (t) => {
  const text = await sendRaw(
    running().port,
    running().pki.rootCa.pem,
    `POST /orders?trailers HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${AUTHORIZATION}\r\n` +
      'Connection: close\r\nTransfer-Encoding: chunked\r\nTrailer: X-Client-Id\r\n\r\n' +
      '5\r\nhello\r\n0\r\nX-Client-Id: spoofed\r\n\r\n',
  )
  t.regex(text, /^HTTP\/1\.1 200 /)
  const arrived = running().upstream.arrived.find(({ url }) => url === '/orders?trailers')
  t.is(arrived?.body.toString(), 'hello')
  t.is(arrived?.headers['x-client-id'], 'batch')
  t.false(JSON.stringify(arrived).includes('spoofed'))
})

test('an id of any characters is told without loss, in visible ASCII', async (t) => {
  const headers = { authorization: basic('bätch % 1', SECRET) }
  const answer = await running().send({ path: '/', headers })
  const told = running().arrivedOf(answer)[0]?.headers['x-client-id']
  t.is(told, 'b%C3%A4tch %25 1')
  t.is(decodeURIComponent(String(told)), 'bätch % 1')
})

test('what a proxy says of the way comes from us alone', async (t) => {
  const headers = {
    authorization: AUTHORIZATION,
    host: 'api.example.test:8443',
    forwarded: 'for=1.2.3.4',
    'x-forwarded-for': '1.2.3.4',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'other.test',
    'x-forwarded-client-cert': 'Hash=00',
    'x-forwarded-user': 'admin',
    x_forwarded_for: '1.2.3.4',
    'x-real-ip': '1.2.3.4',
    'x-original-url': '/admin',
    'x-http-method-override': 'DELETE',
  }
  const answer = await running().send({ path: '/', headers })
  t.is(answer.status, 200, answer.text)
  const arrived = running().arrivedOf(answer)[0]?.headers
  t.is(arrived?.['host'], 'api.example.test:8443')
  t.is(arrived?.['x-forwarded-for'], '127.0.0.1')
  t.is(arrived?.['x-forwarded-proto'], 'https')
  t.is(arrived?.['x-forwarded-host'], 'api.example.test:8443')
  for (const name of ['forwarded', 'x-real-ip', 'x-original-url', 'x-http-method-override'])
    t.is(arrived?.[name], undefined, name)
  t.false(/1\.2\.3\.4|admin|Hash=00|other\.test/.test(JSON.stringify(arrived)))
})

for (const [path, authorization, kept] of [
  ['/orders', AUTHORIZATION, false],
  ['/public', 'Bearer of.its.own', false],
  ['/keeps', AUTHORIZATION, true],
  ['/public-keeps', 'Bearer of.its.own', true],
] as const) {
  test(`the Authorization header ${kept ? 'goes on' : 'ends here'} on ${path}`, async (t) => {
    const answer = await running().send({ path, headers: { authorization } })
    t.is(answer.status, 200, answer.text)
    t.is(running().arrivedOf(answer)[0]?.headers['authorization'], kept ? authorization : undefined)
  })
}

test('where the header goes on everywhere, one route may still keep it back', async (t) => {
  const sidecar = await startSidecar(t, {
    settings: {
      identity: { forwardAuthorization: true },
      routes: [{ path: '/keeps-back', forwardAuthorization: false }],
    },
    clients: [secretClient('batch', SECRET)],
  })
  const headers = { authorization: AUTHORIZATION }
  const kept = await sidecar.send({ path: '/', headers })
  t.is(sidecar.arrivedOf(kept)[0]?.headers['authorization'], AUTHORIZATION)
  const back = await sidecar.send({ path: '/keeps-back', headers })
  t.is(sidecar.arrivedOf(back)[0]?.headers['authorization'], undefined)
})

test('what the upstream answers about the request’s id is ours', async (t) => {
  const sidecar = await startSidecar(t, {
    clients: [secretClient('batch', SECRET)],
    answer(_request, response) {
      response.writeHead(201, {
        'x-request-id': 'of its own',
        etag: '"1"',
      })
      response.end('made')
    },
  })
  const answer = await sidecar.send({ path: '/', headers: { authorization: AUTHORIZATION } })
  t.is(answer.status, 201)
  t.is(answer.headers['etag'], '"1"')
  t.is(sidecar.upstream.arrived[0]?.headers['x-request-id'], answer.headers['x-request-id'])
})
