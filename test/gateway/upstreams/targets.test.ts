import { once } from 'node:events'
import { createServer } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { TLSSocket } from 'node:tls'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import type { TlsMaterial } from '../../../src/gateway/upstreams/upstream-tls.ts'
import { pki } from '../../support/pki.ts'
import type { Identity } from '../../support/pki.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { freePort } from '../support/free-port.ts'
import { front } from '../support/front.ts'
import { exchange } from '../support/raw-client.ts'
import { http2Upstream } from './support/http2-upstream.ts'

const GET = 'GET / HTTP/1.1\r\nHost: api.example\r\n\r\n'
const PROTOCOLS = ['http1', 'h2'] as const

type Protocol = (typeof PROTOCOLS)[number]

interface TlsServerOptions {
  readonly identity: Identity
  /** PEM: clients have to prove themselves to have a certificate of this authority. */
  readonly clientCa?: string
}

/** Answers with the name that was asked for and the client's common name. */
async function tlsUpstream(
  t: ExecutionContext,
  protocol: Protocol,
  { identity, clientCa }: TlsServerOptions,
): Promise<number> {
  const tls = {
    cert: identity.cert,
    key: identity.key,
    ...(clientCa !== undefined && { ca: clientCa, requestCert: true, rejectUnauthorized: true }),
  }
  const said = (socket: TLSSocket): string => {
    const { subject } = socket.getPeerCertificate()
    return `${String(socket.servername)} ${String(subject?.CN)}`
  }
  if (protocol === 'h2') {
    const upstream = await http2Upstream(
      t,
      (stream) => {
        const text = said(stream.session?.socket as TLSSocket)
        stream.respond({ ':status': 200, 'content-length': text.length })
        stream.end(text)
      },
      { tls },
    )
    return upstream.port
  }
  const server = createTlsServer(tls, (request, response) => {
    response.end(said(request.socket as TLSSocket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

for (const protocol of PROTOCOLS) {
  const outcomeOf = async (
    t: ExecutionContext,
    host: string,
    upstream: TlsServerOptions,
    tls?: TlsMaterial,
  ) => {
    const at = await tlsUpstream(t, protocol, upstream)
    const { port, outcomes, ended } = await front(t, 0, {
      targets: [`https://${host}:${at}`],
      protocol,
      tls,
      retries: 0,
    })
    const { body } = await exchange(t, port, GET)
    await ended()
    return { body, outcome: outcomes[0] }
  }

  test(`${protocol} over TLS: the own authority vouches, and the name is that of the target`, async (t) => {
    const { server, rootCa } = await pki()
    const { body } = await outcomeOf(t, 'localhost', { identity: server }, { ca: rootCa.pem })
    t.is(body, 'localhost undefined')
    const address = await outcomeOf(t, '127.0.0.1', { identity: server }, { ca: rootCa.pem })
    t.is(address.body, 'false undefined')
  })

  test(`${protocol} over TLS: another name is checked and sent where it is said`, async (t) => {
    const { rootCa, leaf } = await pki()
    const identity = await leaf({
      subject: 'CN=x',
      extendedKeyUsage: ['serverAuth'],
      sans: { dns: ['api.internal'] },
    })
    const tls = { ca: rootCa.pem, serverName: 'api.internal' }
    t.is((await outcomeOf(t, '127.0.0.1', { identity }, tls)).body, 'api.internal undefined')
    const { outcome } = await outcomeOf(t, 'localhost', { identity }, { ca: rootCa.pem })
    t.like(outcome, { reason: 'upstream-tls', status: 502 })
  })

  test(`${protocol} over TLS: we prove ourselves with a certificate of our own`, async (t) => {
    const { server, rootCa, client } = await pki()
    const upstream = { identity: server, clientCa: rootCa.pem }
    const own = { ca: rootCa.pem, certificate: client.cert, key: client.key }
    t.is((await outcomeOf(t, 'localhost', upstream, own)).body, 'localhost client')
    const { outcome } = await outcomeOf(t, 'localhost', upstream, { ca: rootCa.pem })
    t.like(outcome, { ok: false, status: 502 })
    t.regex(outcome?.ok === false ? outcome.reason : '', /^upstream-(tls|reset)$/)
  })

  for (const what of ['unknown authority', 'other authority', 'wrong name', 'expired'] as const) {
    test(`${protocol} over TLS: ${what} is a 502`, async (t) => {
      const { server, rootCa, otherCa, leaf } = await pki()
      const serverAuth = { subject: 'CN=localhost', extendedKeyUsage: ['serverAuth'] }
      const past = new Date(Date.now() - 60_000)
      const before = new Date(Date.now() - 120_000)
      const identities = {
        'unknown authority': server,
        'other authority': server,
        'wrong name': await leaf({ ...serverAuth, sans: { dns: ['elsewhere.example'] } }),
        expired: await leaf({
          ...serverAuth,
          sans: { dns: ['localhost'] },
          notBefore: before,
          notAfter: past,
        }),
      }
      const ca = { 'unknown authority': undefined, 'other authority': otherCa.pem }
      const { outcome } = await outcomeOf(
        t,
        'localhost',
        { identity: identities[what] },
        { ca: what in ca ? ca[what as keyof typeof ca] : rootCa.pem },
      )
      t.like(outcome, { reason: 'upstream-tls', status: 502 })
    })
  }
}

test('h2 over TLS: a server that speaks HTTP/1.1 only is a 502', async (t) => {
  const { server, rootCa } = await pki()
  const at = await tlsUpstream(t, 'http1', { identity: server })
  const { port, outcomes, ended } = await front(t, 0, {
    targets: [`https://localhost:${at}`],
    protocol: 'h2',
    tls: { ca: rootCa.pem },
  })
  t.is((await exchange(t, port, GET)).status, 502)
  await ended()
  t.is(outcomes[0]?.ok, false)
  t.regex(outcomes[0]?.ok === false ? outcomes[0].reason : '', /^upstream-(tls|bad-response)$/)
})

test('HTTP/1.1 over a Unix socket; one that is not there is a 502', async (t) => {
  const folder = temporaryFolder(t)
  const socket = path.join(folder, 'api.sock')
  const server = createServer((request, response) => {
    response.end(request.headers.host)
  })
  server.listen(socket)
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port, forwarder } = await front(t, 0, { targets: [`unix:${socket}`] })
  t.is(forwarder.origin, `unix:${socket}`)
  t.is((await exchange(t, port, GET)).body, 'api.example')
  const gone = await front(t, 0, { targets: [`unix:${socket}.gone`] })
  t.is((await exchange(t, gone.port, GET)).status, 502)
  await gone.ended()
  t.like(gone.outcomes[0], { reason: 'upstream-refused' })
})

test('HTTP/2 over a Unix socket', async (t) => {
  const socket = path.join(temporaryFolder(t), 'api.sock')
  const upstream = await http2Upstream(
    t,
    (stream, { headers }) => {
      stream.respond({ ':status': 200 })
      stream.end(headers[':authority'])
    },
    { path: socket },
  )
  const { port } = await front(t, upstream.port, { targets: [`unix:${socket}`], protocol: 'h2' })
  t.is((await exchange(t, port, GET)).body, 'api.example')
})

for (const protocol of PROTOCOLS) {
  test(`${protocol}: a target for an upgrade is counted until it is released`, async (t) => {
    const targets = [`http://127.0.0.1:${await freePort()}`, `http://localhost:${await freePort()}`]
    const { forwarder } = await front(t, 0, { targets, protocol, connections: 1, waiting: 0 })
    const [first, second] = [forwarder.choose(), forwarder.choose()]
    t.not(first.address.text, second.address.text)
    first.release()
    first.release()
    const third = forwarder.choose()
    t.is(third.address.text, first.address.text)
    third.release('upstream-refused')
    second.release()
    t.deepEqual(
      forwarder.targets.map(({ underWay }) => underWay),
      [0, 0],
    )
  })
}

test('an upload reaches the target that is less busy', async (t) => {
  const paths: string[] = []
  const open = async (name: string): Promise<number> => {
    const server = createServer((request, response) => {
      paths.push(`${name} ${String(request.url)}`)
      if (request.url !== '/held') response.end(name)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => {
      server.closeAllConnections()
      server.close()
    })
    return (server.address() as AddressInfo).port
  }
  const ports = [await open('a'), await open('b')]
  const targets = ports.map((port) => `http://127.0.0.1:${port}`)
  const { port } = await front(t, 0, { targets })
  void exchange(t, port, GET.replace('/', '/held')).catch(() => undefined)
  while (paths.length === 0) await new Promise(setImmediate)
  const busy = paths[0]?.[0] ?? ''
  for (let i = 0; i < 6; i++) await exchange(t, port, GET)
  const served = paths.slice(1).filter((one) => one.startsWith(busy))
  t.is(served.length, 0)
})
