import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'

import type { ClientRequest, ClientResponse } from './client-message.ts'

export type RequestListener = (request: ClientRequest, response: ClientResponse) => void

/** Who is told of what comes to the listener. */
export interface ListenerHandlers {
  /** Every request that is not one of the following. */
  readonly onRequest: RequestListener
  /** A request with an `Expect` that is not `100-continue`: the answer is 417 (RFC 9110 §10.1.1). */
  readonly onExpectation: RequestListener
  /** Whether a request over HTTP/1.1 with `Upgrade` is for `onUpgrade`; any other is a request like others. */
  readonly wantsUpgrade?: (request: IncomingMessage) => boolean
  /** Such a request, its connection, and what came behind it. Node has let go of the connection by then. */
  readonly onUpgrade?: (request: IncomingMessage, socket: Duplex, head: Buffer) => void
  /** A connection that was not taken, or was ended for what came on it. */
  readonly onRefusedConnection?: (refused: RefusedConnection) => void
}

export interface RefusedConnection {
  readonly reason:
    | 'connections'
    | 'connections-per-source'
    | 'client-certificate-missing'
    | 'http2-protocol'
    | 'http2-head-too-large'
  readonly remoteAddress: string | undefined
  /** What node says of it; never anything that the client chose. */
  readonly got?: string
}
