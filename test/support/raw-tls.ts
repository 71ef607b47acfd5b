import { once } from 'node:events'
import { connect } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'

import type { Ending } from './recording-upstream.ts'

/** A TLS connection on which a test says what it likes. */
export interface RawTls {
  readonly socket: TLSSocket
  /** Everything received, in latin1. */
  received(): string
  /** The status of every answer, in order. */
  statuses(): readonly number[]
  /** Resolves when the received text fits, or when the connection has closed. */
  until(fits: (received: string) => boolean): Promise<string>
  /** Resolves when the other side has ended the connection. */
  closed(): Promise<void>
}

/** Opens a connection, says `bytes` at once. @throws when the handshake fails */
export async function openRaw(
  t: Ending,
  port: number,
  ca: string,
  bytes: string | Buffer = '',
  options: ConnectionOptions = {},
): Promise<RawTls> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca, ...options })
  t.teardown(() => socket.destroy())
  let received = ''
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString('latin1')
    socket.emit('received')
  })
  await once(socket, 'secureConnect')
  // the other side may answer and close before it has read all
  socket.on('error', () => undefined)
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  socket.once('close', () => {
    socket.emit('received')
    resolve()
  })
  if (bytes.length > 0)
    socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  return {
    socket,
    received: () => received,
    statuses: () =>
      [...received.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status)),
    async until(fits) {
      while (!fits(received) && !socket.closed) {
        // not `once`: it would throw for an error, of which there may be one
        await new Promise((next) => socket.once('received', next))
      }
      return received
    },
    closed: () => closed,
  }
}
