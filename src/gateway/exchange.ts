import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import { endUnread } from './end-unread.ts'
import { responseHeaders } from './response-headers.ts'
import { upstreamFailure, type UpstreamFailure } from './upstream-failure.ts'

/** How an exchange ended. `status` is what the client was sent, when it was sent anything. */
export type ExchangeOutcome =
  | { readonly ok: true; readonly status: number }
  | {
      readonly ok: false
      /** `client-aborted`, `client-stalled`, or an upstream failure's. */
      readonly reason: string
      readonly status?: number
      readonly got?: string
    }

/**
 * Answers the client in the upstream's place; `headers` are lines for it, name and value in turn.
 */
export type FailureAnswer = (
  request: IncomingMessage,
  response: ServerResponse,
  failure: UpstreamFailure,
  headers: readonly string[],
) => void

/** What an exchange needs of its surroundings. */
export interface ExchangeParts {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The request's body when it is sent on while it comes in; the exchange ends it. */
  readonly stream: Readable | undefined
  /** Header lines for the client, name and value in turn. */
  readonly extraHeaders: readonly string[]
  /** How long the client may stand still in the middle of the answer, in milliseconds. */
  readonly idle: number
  readonly fail: FailureAnswer
  /** Called once, when nothing more will happen. */
  done(outcome: ExchangeOutcome): void
}

const ABORTED: { readonly reason: string; readonly got?: string } = { reason: 'client-aborted' }
const GONE = new Error('nobody waits for the answer any more')

/**
 * One request at the upstream, and its answer on the way to the client. undici calls the `on…`
 * methods.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly #parts: ExchangeParts
  #controller: Dispatcher.DispatchController | undefined
  #failure: { readonly reason: string; readonly got?: string } | undefined
  #timer: NodeJS.Timeout | undefined
  #answered = false
  #over = false
  #length: string | string[] | undefined
  /** A body that came in one piece, kept back so that head and body are written as one. */
  #whole: Buffer | undefined

  constructor(parts: ExchangeParts) {
    this.#parts = parts
    parts.response.once('close', () => this.#closed())
  }

  /** Gives up when no connection to the upstream has become free in so many milliseconds. */
  waitAtMost(milliseconds: number): void {
    if (this.#controller !== undefined || this.#over || this.#failure !== undefined) return
    this.#timer = setTimeout(() => {
      this.fail({ status: 504, reason: 'upstream-timeout', got: 'no connection became free' })
    }, milliseconds)
  }

  /** Ends the exchange without the upstream's answer, or in the middle of it. */
  fail(failure: UpstreamFailure): void {
    if (this.#over || this.#failure !== undefined) return
    clearTimeout(this.#timer)
    this.#failure = failure
    const { request, response, stream, extraHeaders } = this.#parts
    stream?.destroy()
    if (this.#answered) {
      cutOff(request, response)
      return
    }
    try {
      this.#parts.fail(request, response, failure, extraHeaders)
    } catch {
      response.destroy()
    }
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    clearTimeout(this.#timer)
    // thrown, not aborted: an abort would cost the connection, on which nothing was sent yet
    if (this.#over || this.#failure !== undefined) throw GONE
    this.#controller = controller
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status < 200) return
    const { request, response, stream, extraHeaders } = this.#parts
    const lines = responseHeaders(status, headers, extraHeaders)
    if (lines === undefined) {
      controller.abort(new UnsupportedCoding())
      return
    }
    // the upload is refused or pointless: say early that it may stop
    if (status >= 400 && stream !== undefined && !request.complete) response.shouldKeepAlive = false
    this.#length = headers['content-length']
    response.writeHead(status, lines)
    this.#answered = true
    process.nextTick(flushHead, response)
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    // then the end follows at once, in the same turn
    if (String(chunk.length) === this.#length) {
      this.#whole = chunk
      return
    }
    const { response, idle } = this.#parts
    if (response.write(chunk)) return
    controller.pause()
    this.#timer = setTimeout(() => this.#stalled(), idle)
    response.once('drain', () => {
      clearTimeout(this.#timer)
      controller.resume()
    })
  }

  onResponseEnd(): void {
    const { request, response, stream } = this.#parts
    clearTimeout(this.#timer)
    if (stream === undefined || request.complete) {
      response.end(this.#whole)
      return
    }
    stream.destroy()
    if (this.#whole !== undefined) response.write(this.#whole)
    endUnread(request, response)
  }

  onResponseError(_controller: unknown, error: Error): void {
    this.fail(upstreamFailure(error))
  }

  #stalled(): void {
    this.#failure ??= { reason: 'client-stalled' }
    this.#parts.response.destroy()
  }

  /** The response is through, or the client is. */
  #closed(): void {
    const { response, stream } = this.#parts
    clearTimeout(this.#timer)
    this.#over = true
    if (response.writableFinished && this.#failure === undefined) {
      this.#parts.done({ ok: true, status: response.statusCode })
      return
    }
    stream?.destroy()
    this.#controller?.abort(GONE)
    const { reason, got } = this.#failure ?? ABORTED
    this.#parts.done({
      ok: false,
      reason,
      ...(got !== undefined && { got }),
      ...(response.headersSent && { status: response.statusCode }),
    })
  }
}

/** An answer that undici understands and we do not hand on. */
class UnsupportedCoding extends Error {
  readonly code = 'ERR_HTTP_UNSUPPORTED_CODING'
}

/** The head must not wait for a body that may come much later. */
function flushHead(response: ServerResponse): void {
  if (!response.writableEnded) response.flushHeaders()
}

/** Makes sure that what was sent cannot be taken for the whole answer. */
function cutOff(request: IncomingMessage, response: ServerResponse): void {
  // to HTTP/1.0 a closed connection is the end of the message; only a reset is not
  if (request.httpVersion === '1.0' && !('encrypted' in request.socket)) {
    request.socket.resetAndDestroy()
  }
  response.destroy()
}
