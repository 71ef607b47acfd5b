import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'

/** One request, as a target gets it. */
export interface DispatchLine {
  readonly method: string
  /** With the query. */
  readonly path: string
  /** Name and value in turn, `host` among them; nothing that belongs to a connection. */
  readonly headers: string[]
  readonly body: Readable | Buffer | null
  /** Without a name here undici takes the one for TLS from the client's Host. */
  readonly servername: string
  /** HTTP/2 only: the client can take trailers. */
  readonly takesTrailers?: boolean
  /** HTTP/2 only: the trailers of the request, asked for when its body is through. */
  trailers?(): Readonly<Record<string, string | string[]>> | undefined
}

/** The hold on a request under way. */
export interface DispatchController {
  pause(): void
  resume(): void
  abort(reason: Error): void
}

/**
 * Told what becomes of a request, as undici tells it: `onRequestStart` when it is about to be
 * written (what it throws ends the request before that), then the rest in order; at last exactly
 * one of `onResponseEnd` and `onResponseError`.
 */
export interface DispatchHandler {
  onRequestStart(controller: DispatchController): void
  /** The first byte of an answer is here. */
  onResponseStarted(): void
  /** Also for interim answers, which have a status below 200. */
  onResponseStart(
    controller: DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void
  onResponseData(controller: DispatchController, chunk: Buffer): void
  onResponseEnd(controller: DispatchController, trailers: IncomingHttpHeaders): void
  onResponseError(controller: DispatchController | undefined, error: Error): void
}

/** Carries requests to one target: undici's pool for HTTP/1.1, our own for HTTP/2. */
export interface Dispatching {
  dispatch(line: DispatchLine, handler: DispatchHandler): unknown
  /** Takes no more, and resolves when those under way have ended. */
  close(): Promise<unknown>
  /** Cuts off those under way. */
  destroy(): Promise<unknown>
}
