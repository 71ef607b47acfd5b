import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'

/** A request of a client, over HTTP/1.1 or HTTP/2. */
export type ClientRequest = IncomingMessage | Http2ServerRequest

/** What both of node's responses to a client have in common and we make use of. */
export interface ClientResponse extends EventEmitter {
  statusCode: number
  /** HTTP/1.1 only: whether the connection is kept after this answer. */
  shouldKeepAlive?: boolean
  readonly destroyed: boolean
  readonly headersSent: boolean
  readonly writableEnded: boolean
  readonly writableFinished: boolean
  /** `lines`: name and value in turn. */
  writeHead(status: number, lines: string[]): unknown
  flushHeaders(): void
  /** @returns false when the other side has to catch up first: `drain` says when. */
  write(chunk: string | Uint8Array): boolean
  end(chunk?: string | Uint8Array, then?: () => void): unknown
  /** Only after `Trailer` was announced or on HTTP/2. */
  addTrailers(trailers: Record<string, string>): void
  writeContinue(): void
  writeEarlyHints(hints: Record<string, string | string[]>): void
  destroy(): unknown
}

/** Node's own types of a response, which Koa wants. */
export type NodeResponse = ServerResponse | Http2ServerResponse

/** The connection that a request came on; many requests of HTTP/2 share one. */
export function connectionOf(request: ClientRequest): Socket {
  return request.socket
}
