import { constants } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { Server } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

import type { Settings } from '../config/settings-schema.ts'
import { connectionGate } from './connection-gate.ts'
import { http2Sessions } from './http2-sessions.ts'
import { inTurn } from './in-turn.ts'
import type { ListenerHandlers, RefusedConnection } from './listener-handlers.ts'
import { openHandshakes } from './open-handshakes.ts'
import { awaitContinue } from './want-body.ts'

/** What the handshake shows, in PEM; swapped without dropping a connection. */
export interface TlsMaterial {
  readonly certificate: string
  readonly key: string
}

/** The data plane's server. */
export interface TlsListener {
  /**
   * @param port another one than that of the settings
   * @returns the port. Rejects with the system's error when the address cannot be had.
   */
  listen(port?: number): Promise<number>
  update(material: TlsMaterial): void
  /**
   * The keys of session tickets, 48 random bytes, until the next `update`: whoever has the same resumes the same
   * sessions. Without them they are made here.
   */
  setTicketKeys(keys: Buffer): void
  /**
   * Takes no new connections and lets the requests under way end.
   * @returns whether all ended within so many milliseconds
   */
  drain(milliseconds: number): Promise<boolean>
}

/** Node says which answer is the last of its connection, and then leaves closing it to the client. */
type CountedResponse = ServerResponse & { readonly maxRequestsOnConnectionReached?: boolean }

/** Makes the HTTPS server: TLS 1.2 and 1.3, HTTP/1.1 and, when the client asks for it, HTTP/2. */
export function tlsListener(
  settings: Settings['listen'],
  material: TlsMaterial,
  handlers: ListenerHandlers,
): TlsListener {
  const asks = settings.clientCertificates !== 'none'
  const { onUpgrade } = handlers
  /** Connections of HTTP/1.1 that no request has come on: Node 24 does not call them idle. */
  const quiet = new Set<Socket>()
  let draining = false
  const onRequest = (request: IncomingMessage, response: CountedResponse) => {
    if (draining || response.maxRequestsOnConnectionReached === true) {
      response.shouldKeepAlive = false
    }
    quiet.delete(request.socket)
    inTurn(request, response, handlers.onRequest)
  }
  const server = createServer(
    {
      ...contextOf(material),
      requestCert: asks,
      // The handshake proves that the client holds the key of its certificate, and no more. Whether anybody vouches
      // for it is asked by the validator whose business it is: a thumbprint needs no authority.
      rejectUnauthorized: false,
      ALPNProtocols: settings.http2.enabled ? ['h2', 'http/1.1'] : ['http/1.1'],
      handshakeTimeout: settings.handshakeTimeout,
      headersTimeout: settings.headersTimeout,
      // An upload may take hours; what stands still is ended by the idle limit.
      requestTimeout: 0,
      keepAliveTimeout: settings.keepAliveTimeout,
      connectionsCheckingInterval: Math.min(5000, settings.headersTimeout),
      maxHeaderSize: settings.maxHeaderSize,
      insecureHTTPParser: false,
      // Node's own refusal would go on to read what stands behind it; ours does not.
      requireHostHeader: false,
      shouldUpgradeCallback: (request) => handlers.wantsUpgrade?.(request) ?? false,
      joinDuplicateHeaders: false,
    },
    onRequest,
  )
  // Node would drop what is over its count without a word; the count is checked where it can be refused.
  server.maxHeadersCount = 0
  server.maxConnections = settings.maxConnections
  // In a worker the primary would offer it to others again and again, for as long as all are full.
  Object.assign(server, { dropMaxConnection: true })
  server.maxRequestsPerSocket = settings.maxRequestsPerConnection
  server.setTimeout(settings.idleTimeout)
  server.on('checkContinue', (request, response) => {
    awaitContinue(request, response)
    onRequest(request, response)
  })
  server.on('checkExpectation', (request, response) => {
    inTurn(request, response, handlers.onExpectation)
  })
  if (onUpgrade) server.on('upgrade', onUpgrade)

  const refuse = (socket: Socket, reason: RefusedConnection['reason']) => {
    handlers.onRefusedConnection?.({ reason, remoteAddress: socket.remoteAddress })
    socket.destroy()
  }
  const gate = connectionGate(settings.maxConnectionsPerSource)
  const shakeHands = onlyListener(server, 'connection')
  server.on('connection', (socket: Socket) => {
    if (gate.admit(socket)) shakeHands(socket)
    else refuse(socket, 'connections-per-source')
  })
  server.on('drop', (dropped) => {
    handlers.onRefusedConnection?.({
      reason: 'connections',
      remoteAddress: dropped?.remoteAddress,
    })
  })
  const sessions = http2Sessions(settings, handlers)
  const speakHttp1 = onlyListener(server, 'secureConnection')
  server.on('secureConnection', (socket: TLSSocket) => {
    socket.on('error', () => {
      socket.destroy()
    })
    if (settings.clientCertificates === 'required' && !socket.getPeerX509Certificate()) {
      // Before HTTP looks at it: in TLS 1.3 a request may have come along with the end of the handshake.
      refuse(socket, 'client-certificate-missing')
    } else if (socket.alpnProtocol === 'h2') sessions.take(socket)
    else {
      quiet.add(socket)
      socket.once('close', () => quiet.delete(socket))
      speakHttp1(socket)
    }
  })
  server.on('tlsClientError', (_error, socket) => {
    socket.destroy()
  })

  const handshakes = openHandshakes(server)
  return {
    async listen(port = settings.port) {
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      server.once('error', reject)
      server.listen(port, settings.host, resolve)
      await promise
      server.off('error', reject)
      return (server.address() as AddressInfo).port
    },
    update(next) {
      server.setSecureContext(contextOf(next))
    },
    setTicketKeys(keys) {
      server.setTicketKeys(keys)
    },
    async drain(milliseconds) {
      draining = true
      const { promise, resolve } = Promise.withResolvers<boolean>()
      server.close(() => {
        resolve(true)
      })
      server.closeIdleConnections()
      handshakes.destroyAll()
      sessions.close()
      const sweep = setInterval(() => {
        server.closeIdleConnections()
        for (const socket of quiet) socket.destroy()
      }, 100)
      const deadline = setTimeout(() => {
        resolve(false)
        server.closeAllConnections()
        sessions.destroyAll()
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
 * tickets of the one before. A client that could start the handshake anew on an open connection (TLS 1.2) could make us
 * work for nothing, and change its certificate in the middle.
 */
function contextOf({ certificate, key }: TlsMaterial) {
  return {
    cert: certificate,
    key,
    ca: [],
    minVersion: 'TLSv1.2' as const,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  }
}

/** Takes a listener that node has put there itself off its event. @returns it */
function onlyListener(server: Server, event: string): (socket: Socket) => void {
  const [listener, ...more] = server.listeners(event)
  if (listener === undefined || more.length > 0) throw new Error(`${event} is not as expected`)
  server.removeAllListeners(event)
  return (socket) => {
    Reflect.apply(listener, server, [socket])
  }
}
