import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'

import { isHttp2 } from '../http/client-message.ts'
import type { ClientRequest, ClientResponse } from '../http/client-message.ts'
import { cutOff } from './cut-off.ts'
import { sendEarlyHints } from './early-hints.ts'
import { endUnread } from './end-unread.ts'
import type { ForwardPlan } from './forward.ts'
import type { Lane } from './lane.ts'
import { RESET_CONTENT, responseHeaders } from './response-headers.ts'
import { announceTrailers, mayHaveTrailers, responseTrailers } from './response-trailers.ts'
import type { UpstreamFailure } from './upstream-failure.ts'
import type { Answering, Attempt } from './upstreams/attempt.ts'
import type { DispatchController } from './upstreams/dispatching.ts'

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

const ABORTED: { readonly reason: string; readonly got?: string } = { reason: 'client-aborted' }
const NO_LINES: readonly string[] = []

/** One request, and the answer on the way to its client. */
export class Exchange implements Answering {
  readonly request: ClientRequest
  readonly response: ClientResponse
  readonly plan: ForwardPlan
  readonly #lane: Lane
  /** The request's body when it is sent on while it comes in; the exchange ends it. */
  readonly #stream: Readable | undefined
  /** What of it is sent on. */
  body: Readable | Buffer | null
  /** At the target that has it now. */
  attempt: Attempt | undefined
  /** How often it was sent once more. */
  retries = 0
  #failure: { readonly reason: string; readonly got?: string } | undefined
  #timer: NodeJS.Timeout | undefined
  #deadline: NodeJS.Timeout | undefined
  #length: string | string[] | undefined
  /** A body that came in one piece, kept back so that head and body are written as one. */
  #whole: Buffer | undefined
  /** Of HTTP/2: kept back for a moment, in case there is nothing to follow it. */
  #head: string[] | undefined
  #trailerAnnounced = false

  constructor(
    lane: Lane,
    request: ClientRequest,
    response: ClientResponse,
    plan: ForwardPlan,
    stream: Readable | undefined,
  ) {
    this.#lane = lane
    this.request = request
    this.response = response
    this.plan = plan
    this.#stream = stream
    this.body = stream ?? null
    response.once('close', () => this.#closed())
    if (lane.total > 0) this.#deadline = setTimeout(() => this.#overdue(), lane.total)
  }

  get method(): string {
    return this.plan.method
  }

  get streams(): boolean {
    return this.#stream !== undefined
  }

  /** Nobody waits for an answer of the upstream's any more. */
  get isOver(): boolean {
    return this.#failure !== undefined || this.response.destroyed
  }

  /** Ends the exchange without the upstream's answer, or in the middle of it. */
  fail(failure: UpstreamFailure): void {
    if (this.isOver) return
    this.#failure = failure
    this.attempt?.abandon()
    this.#stream?.destroy()
    const { request, response } = this
    this.#head = undefined
    if (response.headersSent) return cutOff(request, response)
    try {
      this.#lane.fail(request, response, failure, this.plan.responseHeaders ?? NO_LINES)
    } catch {
      response.destroy()
    }
  }

  failed(failure: UpstreamFailure, again: 'another' | 'any' | undefined): void {
    if (again !== undefined && !this.isOver && this.#lane.again(this, again)) return
    this.fail(failure)
  }

  interim(status: number, headers: IncomingHttpHeaders): void {
    // 102 would tell the client nothing
    if (status !== 103) return
    const { request, response, plan } = this
    sendEarlyHints(request, response, headers, plan.responseHeaders ?? NO_LINES)
  }

  head(_controller: DispatchController, status: number, headers: IncomingHttpHeaders): boolean {
    const { request, response, plan } = this
    const extra = plan.responseHeaders ?? NO_LINES
    const lines = responseHeaders(status, headers, extra)
    if (lines === undefined) return false
    // the upload is refused or pointless: say early that it may stop
    if (status >= 400 && this.#stream !== undefined && !request.complete) {
      response.shouldKeepAlive = false
    }
    this.#length = status === RESET_CONTENT ? '0' : headers['content-length']
    if (headers.trailer !== undefined && this.#length === undefined) {
      this.#trailerAnnounced = announceTrailers(request, status, headers.trailer, lines, extra)
    }
    if (isHttp2(request)) {
      response.statusCode = status
      response.trailersMayFollow = this.#lane.isHttp2 || this.#length === undefined
      this.#head = lines
      process.nextTick(sendHead, this)
      return true
    }
    response.writeHead(status, lines)
    process.nextTick(flushHead, response)
    return true
  }

  data(controller: DispatchController, chunk: Buffer): void {
    const { response } = this
    if (response.statusCode === RESET_CONTENT) return
    // then the end follows at once, in the same turn
    if (String(chunk.length) === this.#length) {
      this.#whole = chunk
      return
    }
    if (!this.sendHead()) return
    if (response.write(chunk)) return
    controller.pause()
    this.#timer = setTimeout(() => this.#stalled(), this.#lane.idle)
    response.once('drain', () => {
      clearTimeout(this.#timer)
      controller.resume()
    })
  }

  end(trailers: IncomingHttpHeaders): void {
    clearTimeout(this.#timer)
    try {
      this.#end(trailers)
    } catch (error) {
      this.#unsayable(error as Error)
    }
  }

  #end(trailers: IncomingHttpHeaders): void {
    const { request, response } = this
    const stream = this.#stream
    const last = responseTrailers(trailers, this.plan.responseHeaders ?? NO_LINES)
    if (this.#head !== undefined) {
      if (last === undefined && this.#whole === undefined && isBodyRead(stream, request)) {
        // in HTTP/2 the head itself says that it is the end (gRPC takes its status from such a head)
        response.endWithHead?.(response.statusCode, this.#head)
        this.#head = undefined
        return
      }
      if (!this.sendHead()) return
    }
    if (last !== undefined && mayHaveTrailers(request, this.#trailerAnnounced)) {
      response.addTrailers(last, (error) => this.#unsayable(error))
    }
    if (isBodyRead(stream, request)) {
      response.end(this.#whole)
      return
    }
    stream?.destroy()
    if (this.#whole !== undefined) response.write(this.#whole)
    endUnread(request, response)
  }

  /** Sends a head that was kept back. @returns false: it cannot be said, and the exchange has failed */
  sendHead(): boolean {
    const lines = this.#head
    if (lines === undefined) return true
    this.#head = undefined
    try {
      if (!this.response.destroyed) this.response.writeHead(this.response.statusCode, lines)
      return true
    } catch (error) {
      this.#unsayable(error as Error)
      return false
    }
  }

  #unsayable({ message }: Error): void {
    this.fail({ status: 502, reason: 'upstream-bad-response', got: message.slice(0, 200) })
  }

  #stalled(): void {
    this.#failure ??= { reason: 'client-stalled' }
    this.response.destroy()
  }

  #overdue(): void {
    this.fail({ status: 504, reason: 'upstream-timeout', got: 'over the limit for all of it' })
  }

  /** The response is through, or the client is. */
  #closed(): void {
    const { response } = this
    clearTimeout(this.#timer)
    clearTimeout(this.#deadline)
    if (response.writableFinished && this.#failure === undefined) {
      this.plan.onDone?.({ ok: true, status: response.statusCode })
      return
    }
    this.#stream?.destroy()
    this.attempt?.abandon()
    const { reason, got } = this.#failure ?? ABORTED
    this.plan.onDone?.({
      ok: false,
      reason,
      ...(got !== undefined && { got }),
      ...(response.headersSent && { status: response.statusCode }),
    })
  }
}

function isBodyRead(stream: Readable | undefined, request: ClientRequest): boolean {
  return stream === undefined || request.complete
}

function sendHead(exchange: Exchange): void {
  exchange.sendHead()
}

/** The head must not wait for a body that may come much later. */
function flushHead(response: ClientResponse): void {
  if (!response.writableEnded) response.flushHeaders()
}
