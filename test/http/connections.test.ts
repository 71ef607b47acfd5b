import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as connectHttp2 } from 'node:http2'
import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import { connect } from 'node:tls'
import type { TLSSocket } from 'node:tls'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { connectionOf } from '../../src/http/client-message.ts'
import type { RequestListener } from '../../src/http/listener-handlers.ts'
import { pki } from '../support/pki.ts'
import { isAnswer, isGoaway, openRawHttp2, request } from '../support/raw-http2.ts'
import { listen } from './support/listen.ts'
import type { Listening } from './support/listen.ts'

const answers: RequestListener = (_request, response) => {
  response.writeHead(200, [])
  response.end('hello')
}

const H2 = { ALPNProtocols: ['h2'] }

async function openFrom(t: ExecutionContext, { port, authorities }: Listening, address: string) {
  const tcp = connectTcp({ port, host: '127.0.0.1', localAddress: address })
  const socket = connect({ socket: tcp, servername: 'localhost', ca: authorities.rootCa.pem })
  t.teardown(() => tcp.destroy())
  await once(socket, 'secureConnect')
  return socket
}

test('one address has so many connections, others have theirs, and one that ends makes room', async (t) => {
  const listening = await listen(t, { maxConnectionsPerSource: 2 }, answers)
  const first = await listening.open()
  await listening.open(H2)
  await t.throwsAsync(listening.open())
  await t.throwsAsync(listening.open(H2))
  const one = { reason: 'connections-per-source', remoteAddress: '127.0.0.1' }
  t.deepEqual(listening.refused, [one, one] as never)

  const other = await openFrom(t, listening, '127.0.0.2')
  t.false(other.destroyed)

  first.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
  await once(first.resume(), 'close')
  await t.notThrowsAsync(listening.open())
})

test('of all connections there are so many, and whoever watches is told of one more', async (t) => {
  const listening = await listen(t, { maxConnections: 1 }, answers)
  await listening.open()
  await t.throwsAsync(listening.open())
  t.deepEqual(listening.refused, [{ reason: 'connections', remoteAddress: '127.0.0.1' }] as never)
})

test('a connection that is over the count costs no handshake', async (t) => {
  const { port, open } = await listen(t, { maxConnectionsPerSource: 1 }, answers)
  await open()
  const over = connectTcp(port, '127.0.0.1')
  over.on('error', () => undefined)
  let received = 0
  over.on('data', (chunk: Buffer) => (received += chunk.length))
  await once(over, 'close')
  t.is(received, 0)
})

test('an address whose last connection has ended may come again', async (t) => {
  const { open } = await listen(t, { maxConnectionsPerSource: 1 }, answers)
  for (const _ of [1, 2, 3]) {
    const socket = await open()
    socket.write('GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    await once(socket.resume(), 'close')
  }
  t.pass()
})

test('HTTP/1.1: after so many requests the connection ends', async (t) => {
  let heard = 0
  const { open } = await listen(t, { maxRequestsPerConnection: 2 }, (received, response) => {
    heard++
    answers(received, response)
  })
  const socket = await open()
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  socket.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n'.repeat(3))
  await once(socket, 'close')
  t.is(heard, 2)
  t.deepEqual(
    text.match(/^connection: \S+/gim)?.map((line) => line.toLowerCase()),
    ['connection: keep-alive', 'connection: close'],
  )
})

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`${maxVersion}: with "required" nobody is heard over HTTP/2 without a client certificate`, async (t) => {
    const peers: (string | undefined)[] = []
    const settings = { clientCertificates: 'required' } as const
    const { port, authorities, refused } = await listen(t, settings, (received, response) => {
      peers.push((connectionOf(received) as TLSSocket).getPeerX509Certificate()?.fingerprint256)
      answers(received, response)
    })
    const ca = authorities.rootCa.pem
    // in TLS 1.2 the client may not even see the handshake end
    const without = await openRawHttp2(t, port, { ca, maxVersion }).catch(() => undefined)
    without?.write(request(1))
    await without?.closed()
    t.deepEqual(peers, [])
    t.like(refused, [{ reason: 'client-certificate-missing' }])
    const { client } = await pki()
    const { cert, key } = client
    const raw = await openRawHttp2(t, port, { ca, maxVersion, cert, key })
    raw.write(request(1))
    await raw.until(isAnswer(1))
    t.deepEqual(peers, [client.x509.fingerprint256])
  })

  test(`${maxVersion}: a session that is resumed over HTTP/2 has the same certificate`, async (t) => {
    const peers: (string | undefined)[] = []
    const { port, authorities } = await listen(t, {}, (received, response) => {
      peers.push((connectionOf(received) as TLSSocket).getPeerX509Certificate()?.fingerprint256)
      answers(received, response)
    })
    const { client } = await pki()
    const { cert, key } = client
    const options = { ca: authorities.rootCa.pem, cert, key, maxVersion }
    const sessions: Buffer[] = []
    const first = await openRawHttp2(t, port, options)
    first.socket.on('session', (session: Buffer) => sessions.push(session))
    first.write(request(1))
    await first.until(isAnswer(1))
    const session = sessions.at(-1) ?? first.socket.getSession()
    const second = await openRawHttp2(t, port, { ...options, ...(session && { session }) })
    t.true(second.socket.isSessionReused())
    second.write(request(1))
    await second.until(isAnswer(1))
    t.deepEqual(peers, [client.x509.fingerprint256, client.x509.fingerprint256])
  })
}

for (const protocol of ['http/1.1', 'h2']) {
  test(`no handshake is begun anew on an open connection (${protocol})`, async (t) => {
    const { port } = await listen(t, {}, answers)
    const openssl = spawn('openssl', [
      's_client',
      '-connect',
      `127.0.0.1:${port}`,
      '-tls1_2',
      '-alpn',
      protocol,
      '-servername',
      'localhost',
    ])
    t.teardown(() => openssl.kill())
    let said = ''
    for (const stream of [openssl.stdout, openssl.stderr]) {
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString('latin1')
        openssl.emit('heard')
      })
    }
    while (!said.includes('Verify return code')) await once(openssl, 'heard')
    t.regex(said, new RegExp(`ALPN protocol: ${protocol}`))
    openssl.stdin.write('R\n')
    await once(openssl, 'close')
    const [, after = 'none'] = said.split('RENEGOTIATING\n')
    t.regex(after, /no renegotiation|unexpected eof/)
    // a handshake would show our certificate once more
    t.notRegex(after, /depth=0/)
  })
}

test('HTTP/2: a new certificate is shown to new connections, and those that are open go on', async (t) => {
  const { listener, port, authorities } = await listen(t, {}, answers)
  const { leaf, rootCa } = authorities
  const kept = await openRawHttp2(t, port, { ca: rootCa.pem })
  const next = await leaf({
    subject: 'CN=localhost',
    extendedKeyUsage: ['serverAuth'],
    sans: { dns: ['localhost'] },
  })
  listener.update({ certificate: next.cert, key: next.key })
  const fresh = await openRawHttp2(t, port, { ca: rootCa.pem })
  t.is(fresh.socket.getPeerX509Certificate()?.fingerprint256, next.x509.fingerprint256)
  for (const raw of [kept, fresh]) {
    raw.write(request(1))
    t.truthy(await raw.until(isAnswer(1)))
  }
})

test('HTTP/2: draining lets the request under way end, takes no new one and says so', async (t) => {
  const { promise: release, resolve } = Promise.withResolvers<void>()
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>()
  let heard = 0
  const { listener, port, authorities } = await listen(t, {}, (received, response) => {
    heard++
    arrive()
    void release.then(() => answers(received, response))
  })
  const idle = await openRawHttp2(t, port, { ca: authorities.rootCa.pem })
  const busy = await openRawHttp2(t, port, { ca: authorities.rootCa.pem })
  busy.write(request(1))
  await arrived
  const drained = listener.drain(10_000)
  t.truthy(await idle.until(isGoaway))
  await idle.closed()
  t.truthy(await busy.until(isGoaway))
  busy.write(request(3))
  resolve()
  t.truthy(await busy.until(isAnswer(1)))
  await busy.closed()
  t.is(busy.frames.find(isAnswer(3)), undefined)
  t.is(heard, 1)
  t.true(await drained)
})

test('HTTP/2: what is not done when the time for draining is over is cut off, and that is said', async (t) => {
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<Socket>()
  const { listener, port, authorities } = await listen(t, {}, (received) => {
    arrive(connectionOf(received))
  })
  const session = connectHttp2(`https://localhost:${port}`, { ca: authorities.rootCa.pem })
  t.teardown(() => session.destroy())
  const stream = session.request({ ':path': '/' })
  const cut = Promise.race([once(stream, 'aborted'), once(stream, 'close')]).catch(() => undefined)
  const socket = await arrived
  t.false(await listener.drain(50))
  await cut
  t.true(socket.destroyed)
})
