import type { EventEmitter } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2'
import type { Socket } from 'node:net'

/**
 * A request of a client, over HTTP/1.1 or HTTP/2. Both read alike: an HTTP/2 one of ours (`Http2Request`) has the
 * real socket, lines and headers without pseudo-headers, and a `complete` that means the same.
 */
export type ClientRequest = IncomingMessage | Http2ServerRequest

/** What both of node's responses to a client have in common and we make use of. */
export interface ClientResponse extends EventEmitter {
  statusCode: number
  /** HTTP/1.1 only: whether the connection is kept after this answer. Changes nothing over HTTP/2. */
  shouldKeepAlive?: boolean
  /**
   * HTTP/2 only: false, set before `writeHead`, says that no trailers can come, which saves a frame and a turn of the
   * event loop at the end.
   */
  trailersMayFollow?: boolean
  readonly destroyed: boolean
  readonly headersSent: boolean
  readonly writableEnded: boolean
  /** Everything was handed to the connection; over HTTP/2, and the client had not given up before. */
  readonly writableFinished: boolean
  /** `lines`: name and value in turn. */
  writeHead(status: number, lines: string[]): unknown
  /** HTTP/2 only: sends a head that is all of the answer, and says so itself. @throws with nothing sent, as `writeHead` */
  endWithHead?(status: number, lines: readonly string[]): unknown
  flushHeaders(): void
  /** @returns false when the other side has to catch up first: `drain` says when. */
  write(chunk: string | Uint8Array): boolean
  end(chunk?: string | Uint8Array, then?: () => void): unknown
  /** Only after `Trailer` was announced or on HTTP/2, where `onFailure` is told of those that could not be said. */
  addTrailers(trailers: Record<string, string>, onFailure?: (error: Error) => void): void
  writeContinue(): void
  writeEarlyHints(hints: Record<string, string | string[]>): void
  /** Cuts the answer off so that the client can tell: a closed connection, or RST_STREAM with INTERNAL_ERROR. */
  destroy(): unknown
}

/** Node's own types of a response, which Koa wants. */
export type NodeResponse = ServerResponse | Http2ServerResponse

/** The connection that a request came on; many requests of HTTP/2 share one. */
export function connectionOf(request: ClientRequest): Socket {
  return request.socket
}

/** The header lines of a request, name and value in turn, without pseudo-headers; `host` is the `:authority`. */
export function headLines(request: ClientRequest): readonly string[] {
  return request.rawHeaders
}

/** Not by its version: over HTTP/1.1 that is what the client wrote. */
export function isHttp2(request: ClientRequest): request is Http2ServerRequest {
  return 'stream' in request
}
