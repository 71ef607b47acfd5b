import type { IncomingMessage, ServerResponse } from 'node:http'
import { isIP } from 'node:net'
import type { Readable } from 'node:stream'
import type { ConnectionOptions } from 'node:tls'
import { buildConnector, type Dispatcher, Pool } from 'undici'
import { answer } from './answer.ts'
import { Exchange, type ExchangeOutcome, type FailureAnswer } from './exchange.ts'
import { gatherBody, RequestBody } from './request-body.ts'
import type { UpstreamFailure } from './upstream-failure.ts'

/** Where requests go and how patiently. Times are in milliseconds. */
export interface ForwarderOptions {
  /** `http:` or `https:`, without a path. */
  readonly upstream: URL
  /** How many connections to the upstream there may be; default 256. */
  readonly connections?: number
  /** How many requests may wait for a connection before more are answered 503; default 1024. */
  readonly waiting?: number
  readonly timeouts?: {
    /** For a connection, a new one or a free one; default 10 s. */
    readonly connect?: number
    /** From the end of the request to the head of the answer; default 60 s. */
    readonly headers?: number
    /** Between two pieces of the answer, on either side; default 300 s. */
    readonly idle?: number
  }
  /** For `https:`: `ca`, `cert`, `key`, `servername` and so on. */
  readonly tls?: TlsOptions
  /** Answers the client in the upstream's place; default: problem details (RFC 9457). */
  readonly onFailure?: FailureAnswer
}

export type TlsOptions = Pick<
  ConnectionOptions,
  'ca' | 'cert' | 'key' | 'passphrase' | 'servername'
>

/** One request to forward; all of it was checked before. */
export interface ForwardPlan {
  readonly method: string
  /** Path and query, as `readRequestTarget` let them through. */
  readonly target: string
  /** From `forwardedHeaders`, with the identity headers appended. */
  readonly headers: string[]
  /** The body's length in bytes, from `forwardedHeaders`. */
  readonly body: number
  /** Lines for the client, name and value in turn; they replace the upstream's of the same name. */
  readonly responseHeaders?: readonly string[]
  /** Called once, when the exchange is over. */
  onDone?(outcome: ExchangeOutcome): void
}

export interface Forwarder {
  forward(request: IncomingMessage, response: ServerResponse, plan: ForwardPlan): void
  /**
   * Takes no more requests, lets those under way end for `grace` milliseconds, then cuts them off.
   */
  close(grace?: number): Promise<void>
}

/** Without a name here undici takes the one for TLS from the client's Host. */
type NamedDispatch = Dispatcher.DispatchOptions & { readonly servername: string }

const BUSY: UpstreamFailure = { status: 503, reason: 'upstream-busy' }

/** Up to here a body is sent on in one piece, in bytes. */
const GATHERED = 65_536

/**
 * Makes the upstream's side of the gateway. Throws a TypeError when `upstream` is not a bare
 * origin.
 */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const { upstream, connections = 256, waiting = 1024, timeouts = {} } = options
  const { connect = 10_000, headers: headersTimeout = 60_000, idle = 300_000 } = timeouts
  const fail = options.onFailure ?? problem
  const pool = new Pool(bareOrigin(upstream), {
    connections,
    pipelining: 1,
    allowH2: false,
    headersTimeout,
    bodyTimeout: idle,
    connect: connector(upstream, connect, options.tls),
  })
  const servername = upstream.hostname
  let underWay = 0

  return {
    forward(request, response, plan) {
      if (response.destroyed) {
        plan.onDone?.({ ok: false, reason: 'client-aborted' })
        return
      }
      let counted = 0
      const stream = plan.body > GATHERED ? new RequestBody(request) : undefined
      const exchange = new Exchange({
        request,
        response,
        stream,
        extraHeaders: plan.responseHeaders ?? [],
        idle,
        fail,
        done(outcome) {
          underWay -= counted
          plan.onDone?.(outcome)
        },
      })
      const send = (body: Readable | Buffer | null): void => {
        if (response.destroyed) return
        if (underWay >= connections + waiting) {
          exchange.fail(BUSY)
          return
        }
        underWay += ++counted
        const { method, target: path, headers } = plan
        const line: NamedDispatch = { method, path, headers, body, servername }
        pool.dispatch(line, exchange)
        exchange.waitAtMost(connect)
      }
      if (plan.body > 0 && stream === undefined) gatherBody(request, send)
      else send(stream ?? null)
    },
    async close(grace = 10_000) {
      const deadline = setTimeout(() => void pool.destroy(), grace)
      await pool.close().catch(() => undefined)
      clearTimeout(deadline)
    },
  }
}

function bareOrigin(upstream: URL): string {
  if (!/^https?:$/.test(upstream.protocol) || upstream.href !== `${upstream.origin}/`) {
    throw new TypeError('the upstream must be an http or https origin, without user, path or query')
  }
  return upstream.origin
}

function connector(upstream: URL, timeout: number, tls: TlsOptions = {}): buildConnector.connector {
  const { servername, ...rest } = tls
  const host = upstream.hostname.replace(/^\[|\]$/g, '')
  // an address is never sent as a name (RFC 6066 §3)
  const name = servername ?? (isIP(host) === 0 ? host : '')
  const open = buildConnector({ ...rest, timeout, allowH2: false })
  return (options, callback) => open({ ...options, servername: name }, callback)
}

function problem(
  request: IncomingMessage,
  response: ServerResponse,
  { status }: UpstreamFailure,
  headers: readonly string[],
): void {
  const title = TITLES[status]
  const body = JSON.stringify({ type: 'about:blank', title, status })
  const lines = [...headers, 'content-type', 'application/problem+json']
  if (status === 503) lines.push('retry-after', '1')
  answer(request, response, status, lines, body)
}

const TITLES = { 502: 'Bad Gateway', 503: 'Service Unavailable', 504: 'Gateway Timeout' } as const
