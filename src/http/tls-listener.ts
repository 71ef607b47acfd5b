import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TLSSocket } from 'node:tls'

import type { Settings } from '../config/settings-schema.ts'
import { openHandshakes } from './open-handshakes.ts'

/** What the handshake shows, in PEM; swapped without dropping a connection. */
export interface TlsMaterial {
  readonly certificate: string
  readonly key: string
}

/** The data plane's server. */
export interface TlsListener {
  /** @returns the port. Rejects with the system's error when the address cannot be had. */
  listen(): Promise<number>
  update(material: TlsMaterial): void
  /**
   * Takes no new connections and lets the requests under way end.
   * @returns whether all ended within so many milliseconds
   */
  drain(milliseconds: number): Promise<boolean>
}

export type RequestListener = (request: IncomingMessage, response: ServerResponse) => void

/** Makes the HTTPS server: TLS 1.2 and 1.3, HTTP/1.1. */
export function tlsListener(
  settings: Settings['listen'],
  material: TlsMaterial,
  onRequest: RequestListener,
): TlsListener {
  const asks = settings.clientCertificates !== 'none'
  const server = createServer(
    {
      ...contextOf(material),
      requestCert: asks,
      // The handshake proves that the client holds the key of its certificate, and no more. Whether anybody vouches
      // for it is asked by the validator whose business it is: a thumbprint needs no authority.
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: settings.handshakeTimeout,
      headersTimeout: settings.headersTimeout,
      // An upload may take hours; what stands still is ended by the idle limit.
      requestTimeout: 0,
      keepAliveTimeout: settings.keepAliveTimeout,
      connectionsCheckingInterval: Math.min(5000, settings.headersTimeout),
      maxHeaderSize: settings.maxHeaderSize,
      insecureHTTPParser: false,
      requireHostHeader: true,
      joinDuplicateHeaders: false,
    },
    onRequest,
  )
  // Node would drop what is over its count without a word; the count is checked where it can be refused.
  server.maxHeadersCount = 0
  server.maxConnections = settings.maxConnections
  server.setTimeout(settings.idleTimeout)
  // Before HTTP looks at the connection: in TLS 1.3 a request may have come along with the end of the handshake.
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    socket.on('error', () => {
      socket.destroy()
    })
    if (settings.clientCertificates === 'required' && !socket.getPeerX509Certificate()) {
      socket.destroy()
    }
  })
  server.on('tlsClientError', (_error, socket) => {
    socket.destroy()
  })

  const handshakes = openHandshakes(server)
  let draining = false
  server.prependListener('request', (_request, response) => {
    if (draining) response.setHeader('connection', 'close')
  })
  return {
    async listen() {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      server.once('error', reject)
      server.listen(settings.port, settings.host, resolve)
      await promise
      server.off('error', reject)
      return (server.address() as AddressInfo).port
    },
    update(next) {
      server.setSecureContext(contextOf(next))
    },
    async drain(milliseconds) {
      draining = true
      const { promise, resolve } = Promise.withResolvers<boolean>()
      server.close(() => {
        resolve(true)
      })
      server.closeIdleConnections()
      handshakes.destroyAll()
      const sweep = setInterval(() => {
        server.closeIdleConnections()
      }, 100)
      const deadline = setTimeout(() => {
        resolve(false)
        server.closeAllConnections()
      }, milliseconds)
      const drained = await promise
      clearInterval(sweep)
      clearTimeout(deadline)
      return drained
    },
  }
}

/**
 * `ca` is empty, not absent: absent, every public authority would count, and with our anchors in it the handshake would
 * name them to the client, upon which clients of Go, Java and .NET keep back any certificate that is self-signed or of
 * another authority. Path validation of our own decides (`certificates/trust`). A new context also ends all session
 * tickets of the one before.
 */
function contextOf({ certificate, key }: TlsMaterial) {
  return { cert: certificate, key, ca: [], minVersion: 'TLSv1.2' as const }
}
