import type { IncomingHttpHeaders } from 'node:http'

import { upstreamFailure } from '../upstream-failure.ts'
import type { UpstreamFailure } from '../upstream-failure.ts'
import type { Balancer } from './balancer.ts'
import type { DispatchController, DispatchHandler } from './dispatching.ts'
import { isKeptConnection } from './kept-connections.ts'
import type { Target } from './target.ts'
import { mayTryAgain } from './try-again.ts'

/** Who the answer is for. */
export interface Answering {
  readonly method: string
  /** The body is being sent on while it comes in. */
  readonly streams: boolean
  interim(status: number, headers: IncomingHttpHeaders): void
  /** @returns false: the answer is one that cannot be handed on */
  head(controller: DispatchController, status: number, headers: IncomingHttpHeaders): boolean
  data(controller: DispatchController, chunk: Buffer): void
  end(trailers: IncomingHttpHeaders): void
  /** There is no answer, or no more of it. `again`: what may be tried. */
  failed(failure: UpstreamFailure, again: 'another' | 'any' | undefined): void
}

const GONE = new Error('nobody waits for the answer any more')

/** More interim answers than this to one request are no answer. */
const MOST_INTERIM = 32

/** What says nothing of the target: it was our request, or ourselves. */
const NOT_ITS_FAULT = new Set(['request-not-forwardable', 'gateway-closing'])

/** One request at one target: what became of it there. */
export class Attempt implements DispatchHandler {
  readonly target: Target
  readonly #balancer: Balancer
  readonly #answering: Answering
  #controller: DispatchController | undefined
  #timer: NodeJS.Timeout | undefined
  #answered = false
  #over = false
  /** It has a place at the target. */
  #isHeld = true
  #refused = false
  #interim = 0

  constructor(target: Target, balancer: Balancer, answering: Answering) {
    this.target = target
    this.#balancer = balancer
    this.#answering = answering
    target.underWay++
  }

  /** Gives up when no connection has become free in so many milliseconds. */
  waitAtMost(milliseconds: number): void {
    if (this.#controller !== undefined || this.#over) return
    this.#timer = setTimeout(() => {
      this.#over = true
      this.#balancer.undecided(this.target)
      const got = 'no connection became free'
      const failure: UpstreamFailure = { status: 504, reason: 'upstream-timeout', got }
      this.#answering.failed(failure, this.#again(failure, undefined))
    }, milliseconds)
  }

  /** Nobody waits for the answer any more. */
  abandon(): void {
    clearTimeout(this.#timer)
    if (this.#over) return
    this.#over = true
    this.#balancer.undecided(this.target)
    this.#controller?.abort(GONE)
  }

  onRequestStart(controller: DispatchController): void {
    clearTimeout(this.#timer)
    // thrown, not aborted: an abort would cost the connection, on which nothing was sent yet
    if (this.#over) throw GONE
    this.#controller = controller
  }

  onResponseStarted(): void {
    this.#answered = true
  }

  onResponseStart(
    controller: DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    if (status >= 200) {
      this.#balancer.succeeded(this.target)
      if (!this.#answering.head(controller, status, headers)) {
        controller.abort(new UnsupportedAnswer())
      }
      return
    }
    if (++this.#interim > MOST_INTERIM) controller.abort(new EndlessInterim())
    else this.#answering.interim(status, headers)
  }

  onResponseData(controller: DispatchController, chunk: Buffer): void {
    this.#answering.data(controller, chunk)
  }

  onResponseEnd(_controller: DispatchController, trailers: IncomingHttpHeaders): void {
    this.#release()
    this.#answering.end(trailers)
    this.#over = true
  }

  onResponseError(_controller: DispatchController | undefined, error: Error): void {
    // also of one that nobody waits for: until now it took up a place
    this.#release()
    if (this.#over) return
    clearTimeout(this.#timer)
    this.#over = true
    this.#refused = (error as NodeJS.ErrnoException).code === 'ERR_HTTP2_REFUSED_STREAM'
    const failure = upstreamFailure(error)
    if (NOT_ITS_FAULT.has(failure.reason)) this.#balancer.undecided(this.target)
    else this.#balancer.failed(this.target, failure.reason)
    this.#answering.failed(failure, this.#again(failure, error))
  }

  #release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.target.underWay--
  }

  #again(failure: UpstreamFailure, error: Error | undefined): 'another' | 'any' | undefined {
    if (NOT_ITS_FAULT.has(failure.reason)) return undefined
    const sent = this.#controller !== undefined
    const { method, streams } = this.#answering
    return mayTryAgain({
      method,
      repeatable: !streams || !sent,
      sent,
      answered: this.#answered,
      onKeptConnection: error !== undefined && isKeptConnection(error),
      refusedUnread: this.#refused,
      timedOut: failure.status === 504,
    })
  }
}

/** An answer that undici understands and we do not hand on. */
class UnsupportedAnswer extends Error {
  readonly code = 'ERR_HTTP_UNSUPPORTED_ANSWER'
}

class EndlessInterim extends Error {
  readonly code = 'ERR_HTTP_ENDLESS_INTERIM'
}
