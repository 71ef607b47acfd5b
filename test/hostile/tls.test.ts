import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { connect } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { pki } from '../support/pki.ts'
import { sharedTarget } from './support/target.ts'

const target = sharedTarget(test, async () => {
  const { client } = await pki()
  return {
    settings: { listen: { handshakeTimeout: '2s' }, routes: [] },
    clients: [
      {
        clientId: 'batch',
        clientSecrets: [
          { type: 'X509Thumbprint', value: client.x509.fingerprint256 },
          { value: 'Z/gQT0sbSO+jVuHb8bPz4SBJUX6Yym3bSTQkYY0JhEs=' },
        ],
      },
    ],
  }
})

/** Fails unless a caller with a certificate is served and one without is not. */
async function serves(t: ExecutionContext): Promise<void> {
  const { client } = await pki()
  t.is((await target().send({ path: '/x', cert: client.cert, key: client.key })).status, 200)
  t.is((await target().send({ path: '/x' })).status, 401)
  t.is(target().child.exitCode, null)
}

/** The first bytes that a TLS client says. */
async function clientHello(options: ConnectionOptions): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>()
  const wire = new Duplex({
    read: () => undefined,
    write(chunk: Buffer, _encoding, done) {
      resolve(chunk)
      done()
    },
  })
  const socket = connect({ socket: wire, ...options }).on('error', () => undefined)
  const hello = await promise
  socket.destroy()
  return hello
}

/** A ClientHello whose server name is these octets, in place of one as long. */
async function helloFor(name: Buffer): Promise<Buffer> {
  const placeholder = 'x'.repeat(name.length)
  const hello = await clientHello({ servername: placeholder })
  const at = hello.indexOf(placeholder)
  name.copy(hello, at)
  return hello
}

async function tcp(t: ExecutionContext): Promise<Socket> {
  const socket = connectTcp(target().port, '127.0.0.1').on('error', () => undefined)
  t.teardown(() => socket.destroy())
  await once(socket, 'connect')
  return socket
}

/** What the server says first to such a ClientHello: the type of its first record, or nothing. */
async function answerTo(t: ExecutionContext, hello: Buffer): Promise<number | undefined> {
  const socket = await tcp(t)
  socket.write(hello)
  const { promise, resolve } = Promise.withResolvers<number | undefined>()
  socket.once('data', (chunk: Buffer) => resolve(chunk[0]))
  socket.once('close', () => resolve(undefined))
  return promise
}

const [ALERT, HANDSHAKE] = [0x15, 0x16]

for (const [what, name] of [
  ['255 octets', Buffer.alloc(255, 'a')],
  ['a NUL', Buffer.from('local\0host')],
  ['a NUL at its end', Buffer.from('localhost\0')],
  ['letters beyond ASCII', Buffer.from('lócalhöst')],
  ['what is no UTF-8', Buffer.from([0xff, 0xfe, 0x80, 0x41])],
  ['dots alone', Buffer.from('....')],
  ['a line break', Buffer.from('a\r\nb')],
  ['an address', Buffer.from('127.0.0.1')],
  ['__proto__', Buffer.from('__proto__')],
  ['a wildcard', Buffer.from('*')],
] as const)
  test(`a server name of ${what} harms nobody`, async (t) => {
    const first = await answerTo(t, await helloFor(name))
    t.true([ALERT, HANDSHAKE, undefined].includes(first))
    await serves(t)
  })

test('no server name, another case and a name nobody knows get the same judgement', async (t) => {
  const { client, rootCa } = await pki()
  for (const servername of ['', 'LOCALHOST', 'localhost.', 'other.test'])
    for (const [proof, status] of [
      [{}, 401],
      [{ cert: client.cert, key: client.key }, 200],
    ] as const) {
      const bytes = 'GET /x HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n'
      const options = { servername, checkServerIdentity: () => undefined, ca: rootCa.pem, ...proof }
      const connection = await target().open(t, bytes, options)
      await connection.closed()
      t.deepEqual(connection.statuses(), [status], servername)
    }
})

test('a ClientHello cut into records of one byte is judged like any other, or refused', async (t) => {
  const hello = await clientHello({ servername: 'localhost' })
  const records = [...hello.subarray(5)].map((octet) => Buffer.from([0x16, 3, 1, 0, 1, octet]))
  t.not(await answerTo(t, Buffer.concat(records)), undefined)
  await serves(t)
})

for (const [what, bytes] of [
  ['HTTP in the clear', Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')],
  [
    'an SSL 2 hello',
    Buffer.from('802e0100020015000000100100800200800300800400800500800600400700c0', 'hex'),
  ],
  ['zeros', Buffer.alloc(65_536)],
  ['a record that says it is too long', Buffer.from('160301ffff0100fffb0303', 'hex')],
  ['an empty record', Buffer.from('1603010000', 'hex')],
  ['an alert', Buffer.from('15030100020228', 'hex')],
  ['data before the handshake', Buffer.from('1703030005aaaaaaaaaa', 'hex')],
  ['the preface of HTTP/2 in the clear', Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')],
  ['a PROXY line', Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n')],
] as const)
  test(`${what} in the place of a handshake ends the connection`, async (t) => {
    const socket = await tcp(t)
    socket.write(bytes)
    await once(socket.resume(), 'close')
    await serves(t)
  })

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const)
  test(`${maxVersion}: a reset at any moment of a connection costs that connection`, async (t) => {
    const { client, rootCa } = await pki()
    const request = 'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\nhello'
    // after so many pieces that either side has sent
    for (let pieces = 0; pieces < 12; pieces++) {
      const wire = await tcp(t)
      let left = pieces
      const reset = () => void (left-- <= 0 && wire.resetAndDestroy())
      wire.on('data', reset)
      const socket = connect({
        socket: wire,
        servername: 'localhost',
        ca: rootCa.pem,
        cert: client.cert,
        key: client.key,
        maxVersion,
      })
      socket.on('error', () => undefined)
      socket.on('secureConnect', () => {
        reset()
        socket.write(request, reset)
      })
      if (pieces === 0) reset()
      else
        await Promise.race([
          once(wire, 'close'),
          once(socket, 'secureConnect').catch(() => undefined),
        ])
      wire.resetAndDestroy()
    }
    await serves(t)
  })

test('renegotiation is refused', async (t) => {
  const { rootCa } = await pki()
  const connection = await target().open(t, '', { maxVersion: 'TLSv1.2', ca: rootCa.pem })
  const refused = await new Promise((resolve) => {
    connection.socket.once('close', () => resolve('closed'))
    if (!connection.socket.renegotiate({}, (error) => resolve(error === null ? 'done' : 'refused')))
      resolve('refused')
  })
  t.not(refused, 'done')
  await serves(t)
})
