import { once } from 'node:events'
import { connect } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'

import type { RefusedConnection, RequestListener } from '../../../src/http/listener-handlers.ts'
import { tlsListener } from '../../../src/http/tls-listener.ts'
import type { TlsListener } from '../../../src/http/tls-listener.ts'
import { pki } from '../../support/pki.ts'
import type { Pki } from '../../support/pki.ts'
import type { Ending } from '../../support/recording-upstream.ts'

export type ListenSettings = Parameters<typeof tlsListener>[0]

const SETTINGS: ListenSettings = {
  host: '127.0.0.1',
  port: 0,
  certificate: '',
  key: '',
  clientCertificates: 'optional',
  http2: { enabled: true, maxConcurrentStreams: 100 },
  handshakeTimeout: 10_000,
  headersTimeout: 10_000,
  idleTimeout: 10_000,
  keepAliveTimeout: 10_000,
  maxHeaderSize: 16_384,
  maxHeaders: 100,
  maxConnections: 100,
  maxConnectionsPerSource: 100,
  maxRequestsPerConnection: 1000,
  drainTimeout: 1000,
}

export interface Listening {
  readonly listener: TlsListener
  readonly port: number
  readonly authorities: Pki
  /** The connections that were not taken, or were ended. */
  readonly refused: readonly RefusedConnection[]
  /** Opens a connection and finishes the handshake. */
  open(options?: ConnectionOptions): Promise<TLSSocket>
}

/** A listener of its own for the test; a request with an unknown expectation is given to `onRequest` too. */
export async function listen(
  t: Ending,
  settings: Partial<ListenSettings>,
  onRequest: RequestListener,
): Promise<Listening> {
  const authorities = await pki()
  const { server, rootCa } = authorities
  const material = { certificate: server.cert, key: server.key }
  const refused: RefusedConnection[] = []
  const listener = tlsListener({ ...SETTINGS, ...settings }, material, {
    onRequest,
    onExpectation: onRequest,
    onRefusedConnection: (one) => refused.push(one),
  })
  const port = await listener.listen()
  t.teardown(() => listener.drain(0))
  return {
    listener,
    port,
    authorities,
    refused,
    async open(options) {
      const socket = connect({
        port,
        host: '127.0.0.1',
        servername: 'localhost',
        ca: rootCa.pem,
        ...options,
      })
      t.teardown(() => socket.destroy())
      await once(socket, 'secureConnect')
      return socket
    },
  }
}
