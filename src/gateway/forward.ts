import type { ConnectionOptions } from 'node:tls'

import type { Principal } from '#contract'

import type { ClientRequest, ClientResponse } from '../http/client-message.ts'
import { answer } from './answer.ts'
import { Exchange } from './exchange.ts'
import type { ExchangeOutcome } from './exchange.ts'
import { forwardableTrailers } from './forwardable-trailers.ts'
import type { HeaderRules } from './forwarded-headers.ts'
import type { FailureAnswer, Lane } from './lane.ts'
import { gatherBody, RequestBody, TOO_LARGE } from './request-body.ts'
import { takesTrailers } from './response-trailers.ts'
import type { UpstreamFailure } from './upstream-failure.ts'
import { Attempt } from './upstreams/attempt.ts'
import type { DispatchLine } from './upstreams/dispatching.ts'
import { openTargets } from './upstreams/open-targets.ts'
import type { TargetOptions } from './upstreams/open-targets.ts'
import type { Target } from './upstreams/target.ts'
import type { TargetAddress } from './upstreams/target-address.ts'

/** Where requests go and how patiently. Times are in milliseconds. */
export interface ForwarderOptions extends TargetOptions {
  /** How many requests may wait for a connection to a target before more are answered 503; default 1024. */
  readonly waiting?: number
  /** How often a request may be sent once more where that is safe; default 1. */
  readonly retries?: number
  /** For an exchange as a whole; absent: as long as it likes. */
  readonly totalTimeout?: number | undefined
  /** Answers the client in the upstream's place; default: problem details (RFC 9457). */
  readonly onFailure?: FailureAnswer
}

/** One request to forward; all of it was checked before. */
export interface ForwardPlan {
  readonly method: string
  /** Path and query, as `readRequestTarget` let them through. */
  readonly target: string
  /** From `forwardedHeaders`, with the identity headers appended. */
  readonly headers: string[]
  /** The body's length in bytes, from `forwardedHeaders`. */
  readonly body: number
  /** Whom it is for; absent where the route is public. */
  readonly principal?: Principal | undefined
  /** Bytes that a body may have whose length was not known before; absent: any number. */
  readonly maxBody?: number
  /** Lines for the client, name (in lower case) and value in turn; they replace the upstream's of the same name. */
  readonly responseHeaders?: readonly string[]
  /** By which the trailers of the request are judged; absent: none are forwarded. */
  readonly headerRules?: HeaderRules
  /** Called once, when the exchange is over. */
  onDone?(outcome: ExchangeOutcome): void
}

/** The target that a connection of one's own goes to. */
export interface ChosenTarget {
  readonly address: TargetAddress
  /** For `https:`: what `tls.connect` takes beside host and port. */
  readonly tls: ConnectionOptions | undefined
  /** False: without TLS HTTP/2 is spoken by prior knowledge (RFC 9113 §3.3), and nothing else may be. */
  readonly mayTakeHttp1: boolean
  /** The target has answered: it is well. */
  answered(): void
  /** When the connection is over, or could not be made. @param failure its reason, when that was the target's fault */
  release(failure?: string): void
}

/** The upstream's side of the gateway. */
export interface Forwarder {
  /** That of the first target; `unix:/path` when it is a socket. */
  readonly origin: string
  readonly targets: readonly Target[]
  forward(request: ClientRequest, response: ClientResponse, plan: ForwardPlan): void
  /** The target for an upgrade, counted as busy until it is released. */
  choose(): ChosenTarget
  /**
   * Takes no more requests, lets those under way end for `grace` milliseconds, then cuts them off.
   */
  close(grace?: number): Promise<void>
}

const BUSY: UpstreamFailure = { status: 503, reason: 'upstream-busy' }

/** Without one undici would take the client's Host; ours is said to TLS by the connector. */
const SERVER_NAME = 'upstream'

/** Up to here a body is sent on in one piece, in bytes. */
const GATHERED = 16_384

/** Makes the upstream's side of the gateway. @throws TypeError when a target is not a bare origin or socket */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const { waiting = 1024, retries = 1, totalTimeout: total = 0 } = options
  const opened = openTargets(options)
  const { balancer, limits, capacity } = opened
  const most = capacity + waiting
  const isHttp2 = options.protocol === 'h2'

  const send = (exchange: Exchange, target: Target): void => {
    const { body } = exchange
    const { method, target: path, headers } = exchange.plan
    const attempt = new Attempt(target, balancer, exchange)
    exchange.attempt = attempt
    const line: DispatchLine = isHttp2
      ? {
          method,
          path,
          headers,
          body,
          servername: SERVER_NAME,
          takesTrailers: takesTrailers(exchange.request.headers.te),
          trailers: () => trailersOf(exchange),
        }
      : { method, path, headers, body, servername: SERVER_NAME }
    target.dispatching.dispatch(line, attempt)
    attempt.waitAtMost(limits.connect)
  }
  const lane: Lane = {
    idle: limits.idle,
    total,
    isHttp2,
    fail: options.onFailure ?? problem,
    begin(exchange) {
      if (exchange.isOver) return
      const target = balancer.choose()
      if (target.underWay - target.upgraded < most) {
        send(exchange, target)
        return
      }
      balancer.undecided(target)
      exchange.fail(BUSY)
    },
    again(exchange, where) {
      const before = exchange.attempt?.target
      if (exchange.retries >= retries) return false
      const target = balancer.choose(before)
      // when requests wait already, trying again would make it worse
      const waits = target.underWay - target.upgraded >= capacity
      if (waits || (where === 'another' && target === before)) {
        balancer.undecided(target)
        return false
      }
      exchange.retries++
      opened.onRetry(target)
      send(exchange, target)
      return true
    },
  }

  return {
    origin: balancer.targets[0]?.address.text ?? '',
    targets: balancer.targets,
    forward(request, response, plan) {
      if (response.destroyed) {
        plan.onDone?.({ ok: false, reason: 'client-aborted' })
        return
      }
      const stream =
        plan.body > GATHERED
          ? new RequestBody(request, plan.maxBody, () => exchange.fail(TOO_LARGE))
          : undefined
      const exchange: Exchange = new Exchange(lane, request, response, plan, stream)
      if (plan.body === 0 || stream !== undefined) {
        lane.begin(exchange)
        return
      }
      gatherBody(request, (body) => {
        exchange.body = body
        lane.begin(exchange)
      })
    },
    choose() {
      const target = balancer.choose()
      target.underWay++
      target.upgraded++
      let isHeld = true
      let isDecided = false
      return {
        address: target.address,
        tls: target.tls,
        mayTakeHttp1: !isHttp2 || target.address.secure,
        answered() {
          isDecided = true
          balancer.succeeded(target)
        },
        release(failure) {
          if (!isHeld) return
          isHeld = false
          target.underWay--
          target.upgraded--
          if (failure !== undefined) balancer.failed(target, failure)
          else if (!isDecided) balancer.undecided(target)
        },
      }
    },
    close: (grace = 10_000) => opened.close(grace),
  }
}

function trailersOf({ request, plan }: Exchange): Readonly<Record<string, string[]>> | undefined {
  return plan.headerRules && forwardableTrailers(request.rawTrailers, plan.headerRules)
}

function problem(
  request: ClientRequest,
  response: ClientResponse,
  { status }: UpstreamFailure,
  headers: readonly string[],
): void {
  const title = TITLES[status]
  const body = JSON.stringify({ type: 'about:blank', title, status })
  const lines = [...headers, 'content-type', 'application/problem+json']
  if (status === 503) lines.push('retry-after', '1')
  answer(request, response, status, lines, body)
}

const TITLES = {
  413: 'Content Too Large',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
} as const
