import { once } from 'node:events'
import { request as httpsRequest } from 'node:https'
import type { RequestOptions } from 'node:https'
import { connect as connectTcp } from 'node:net'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'
import { setTimeout as pause } from 'node:timers/promises'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import type { RequestListener } from '../../src/http/listener-handlers.ts'
import { pki } from '../support/pki.ts'
import { send } from '../support/send.ts'
import { listen as listenWith } from './support/listen.ts'
import type { Listening, ListenSettings } from './support/listen.ts'

/** Answers what the handshake made of the client. */
const tellPeer: RequestListener = (request, response) => {
  const socket = request.socket as TLSSocket
  const peer = socket.getPeerX509Certificate()
  response.end(
    JSON.stringify({
      peer: peer?.fingerprint256,
      trusted: socket.authorized,
      protocol: socket.getProtocol(),
    }),
  )
}

const listen = (
  t: ExecutionContext,
  settings: Partial<ListenSettings> = {},
  onRequest: RequestListener = tellPeer,
) => listenWith(t, settings, onRequest)

for (const version of ['TLSv1', 'TLSv1.1'] as const) {
  test(`${version} is refused`, async (t) => {
    const { open } = await listen(t)
    // Without the lower security level our own side would refuse, and nothing would be shown.
    const options = {
      minVersion: version,
      maxVersion: version,
      ciphers: 'DEFAULT@SECLEVEL=0',
    } as const
    const error = await t.throwsAsync<NodeJS.ErrnoException>(open(options))
    t.is(error?.code, 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
  })
}

for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
  const versions = { minVersion: version, maxVersion: version }

  test(`${version} is spoken; HTTP/2 is agreed on when the client offers it, and HTTP/1.1 else`, async (t) => {
    const { open } = await listen(t)
    const both = await open({ ...versions, ALPNProtocols: ['http/1.1', 'h2'] })
    t.is(both.getProtocol(), version)
    t.is(both.alpnProtocol, 'h2')
    t.is((await open({ ...versions, ALPNProtocols: ['http/1.1'] })).alpnProtocol, 'http/1.1')
    t.false((await open(versions)).alpnProtocol)
    const other = { ...versions, ALPNProtocols: ['h3', 'spdy/3'] }
    const error = await t.throwsAsync<NodeJS.ErrnoException>(open(other))
    t.is(error?.code, 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL')
  })

  test(`${version}: with HTTP/2 off only HTTP/1.1 is offered`, async (t) => {
    const { open } = await listen(t, { http2: { enabled: false, maxConcurrentStreams: 100 } })
    t.is((await open({ ...versions, ALPNProtocols: ['h2', 'http/1.1'] })).alpnProtocol, 'http/1.1')
    const error = await t.throwsAsync<NodeJS.ErrnoException>(
      open({ ...versions, ALPNProtocols: ['h2'] }),
    )
    t.is(error?.code, 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL')
  })
}

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  const tell = async (listening: Listening, options: ConnectionOptions = {}) => {
    const socket = await listening.open({ maxVersion, ...options })
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    let text = ''
    for await (const chunk of socket) text += String(chunk)
    return JSON.parse(text.slice(text.indexOf('{'))) as { peer?: string; trusted: boolean }
  }

  test(`${maxVersion}: any client certificate is taken, and none is trusted by the handshake`, async (t) => {
    const listening = await listen(t)
    const { client, selfSignedClient, otherClient, expiredClient, serverAuthClient } = await pki()
    t.like(await tell(listening), { peer: undefined, trusted: false })
    for (const one of [client, selfSignedClient, otherClient, expiredClient, serverAuthClient]) {
      const peer = one.x509.fingerprint256
      t.like(await tell(listening, one), { peer, trusted: false })
    }
  })

  test(`${maxVersion}: with "none" no client certificate is asked for`, async (t) => {
    const listening = await listen(t, { clientCertificates: 'none' })
    const { client } = await pki()
    t.like(await tell(listening, client), { peer: undefined, trusted: false })
  })

  test(`${maxVersion}: with "required" nobody is heard without a client certificate`, async (t) => {
    let heard = 0
    const listening = await listen(t, { clientCertificates: 'required' }, (request, response) => {
      heard++
      tellPeer(request, response)
    })
    const { client, selfSignedClient } = await pki()
    await t.throwsAsync(tell(listening))
    t.is(heard, 0)
    // Which certificate is good enough is the business of the validators.
    for (const one of [client, selfSignedClient]) {
      t.like(await tell(listening, one), { peer: one.x509.fingerprint256 })
    }
    t.is(heard, 2)
  })

  test(`${maxVersion}: a session is resumed under the same certificate and ends with it`, async (t) => {
    const listening = await listen(t)
    const { client, leaf, server } = await pki()
    const first = await listening.open({ ...client, maxVersion })
    const sessions: Buffer[] = []
    first.on('session', (session: Buffer) => sessions.push(session))
    first.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
    await once(first, 'data')
    const session = sessions.at(-1) ?? first.getSession()
    const options = { ...client, maxVersion, ...(session && { session }) }
    const resumed = await listening.open(options)
    t.true(resumed.isSessionReused())

    listening.listener.update({ certificate: server.cert, key: server.key })
    const anew = await listening.open(options)
    t.false(anew.isSessionReused())
    const other = await leaf()
    t.like(await tell(listening, { ...options, ...other }), { peer: other.x509.fingerprint256 })
  })
}

test.serial('not even those are trusted whom Node trusts by default', async (t) => {
  const { rootCa, client } = await pki()
  const before = getCACertificates('default')
  setDefaultCACertificates([rootCa.pem])
  t.teardown(() => {
    setDefaultCACertificates(before)
  })
  const { port } = await listen(t)
  t.false((await send(port, rootCa.pem, client)).json<{ trusted: boolean }>().trusted)
})

test('a new certificate is shown to new connections, and those that are open go on', async (t) => {
  const { listener, port, open, authorities } = await listen(t)
  const { leaf, rootCa } = authorities
  const kept = await open()
  const next = await leaf({
    subject: 'CN=localhost',
    extendedKeyUsage: ['serverAuth'],
    sans: { dns: ['localhost'] },
  })
  listener.update({ certificate: next.cert, key: next.key })
  const fresh = await open()
  t.is(fresh.getPeerX509Certificate()?.fingerprint256, next.x509.fingerprint256)
  kept.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  const [chunk] = (await once(kept, 'data')) as [Buffer]
  t.true(chunk.toString().startsWith('HTTP/1.1 200'))
  t.is((await send(port, rootCa.pem)).status, 200)
})

test('a connection that does not finish its handshake is ended', async (t) => {
  const { port } = await listen(t, { handshakeTimeout: 100 })
  for (const bytes of ['', '\x16\x03\x01\x02\x00\x01', 'GET / HTTP/1.1\r\n\r\n']) {
    const socket = connectTcp(port, '127.0.0.1')
    socket.on('error', () => undefined)
    socket.write(bytes, 'latin1')
    await once(socket.resume(), 'close')
  }
  t.pass()
})

test('a request whose head does not arrive is ended, and so is a connection that is silent', async (t) => {
  const { open } = await listen(t, { headersTimeout: 100, idleTimeout: 10_000 })
  const slow = await open()
  slow.write('GET / HTTP/1.1\r\nhost:')
  const [chunk] = (await once(slow, 'data')) as [Buffer]
  t.regex(chunk.toString(), /^HTTP\/1\.1 408 /)

  const idle = await listen(t, { idleTimeout: 100 })
  const silent = await idle.open()
  await once(silent.resume(), 'close')
})

test('more connections than allowed are not taken', async (t) => {
  const { open } = await listen(t, { maxConnections: 1 })
  const first = await open()
  await t.throwsAsync(open())
  first.destroy()
  await once(first, 'close')
  await pause(20)
  await t.notThrowsAsync(open())
})

test('draining waits for the request under way and takes nothing new', async (t) => {
  const { promise: release, resolve } = Promise.withResolvers<void>()
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>()
  const { listener, port, open, authorities } = await listen(t, {}, (_request, response) => {
    arrive()
    void release.then(() => response.end('late'))
  })
  const idle = await open()
  const answer = send(port, authorities.rootCa.pem)
  await arrived
  const drained = listener.drain(10_000)
  await once(idle.resume(), 'close')
  const error = await t.throwsAsync<NodeJS.ErrnoException>(open())
  t.is(error?.code, 'ECONNREFUSED')
  resolve()
  t.is((await answer).text, 'late')
  t.true(await drained)
})

test('draining ends a kept connection with the answer that is under way on it', async (t) => {
  const { promise: release, resolve } = Promise.withResolvers<void>()
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>()
  const { listener, open } = await listen(t, {}, (_request, response) => {
    arrive()
    void release.then(() => response.end('late'))
  })
  const kept = await open()
  kept.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n')
  await arrived
  const drained = listener.drain(10_000)
  resolve()
  const [chunk] = (await once(kept, 'data')) as [Buffer]
  t.true(chunk.toString().startsWith('HTTP/1.1 200'))
  await once(kept.resume(), 'close')
  t.true(await drained)
})

test('draining does not wait for connections that never said anything', async (t) => {
  const { listener, port, open } = await listen(t, { handshakeTimeout: 60_000 })
  const silent = connectTcp(port, '127.0.0.1')
  silent.on('error', () => undefined)
  await once(silent, 'connect')
  await open()
  await pause(20)
  t.true(await listener.drain(5000))
})

test('what is not done when the time for draining is over is cut off, and that is said', async (t) => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>()
  const { listener, port, authorities } = await listen(t, {}, () => {
    arrive()
  })
  const answer = t.throwsAsync(send(port, authorities.rootCa.pem))
  await arrived
  t.false(await listener.drain(50))
  await answer
})

test('a head over the limit is refused', async (t) => {
  const { port, authorities } = await listen(t, { maxHeaderSize: 2048 })
  const options: RequestOptions = {
    port,
    host: '127.0.0.1',
    servername: 'localhost',
    ca: authorities.rootCa.pem,
    headers: { 'x-long': 'a'.repeat(3000) },
  }
  const request = httpsRequest(options).end()
  const [response] = (await once(request, 'response')) as [{ statusCode: number }]
  t.is(response.statusCode, 431)
  request.destroy()
})
