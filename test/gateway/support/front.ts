import { EventEmitter, once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { ExecutionContext } from 'ava'

import type { IdentityHeaders, Principal } from '#contract'

import { answer } from '../../../src/gateway/answer.ts'
import type { ExchangeOutcome } from '../../../src/gateway/exchange.ts'
import { createForwarder } from '../../../src/gateway/forward.ts'
import type { Forwarder, ForwarderOptions } from '../../../src/gateway/forward.ts'
import { forwardedHeaders, headerRules } from '../../../src/gateway/forwarded-headers.ts'
import { setIdentityHeaders } from '../../../src/gateway/identity-headers.ts'
import { ownedNames } from '../../../src/gateway/owned-names.ts'
import { readRequestTarget } from '../../../src/gateway/request-target.ts'

/** What every forwarded request says of its caller. */
export const IDENTITY: IdentityHeaders = {
  names: ['X-Client-Id', 'X-Client-Extra-*'],
  headers: ({ clientId }) => ({ 'X-Client-Id': clientId }),
}

const PRINCIPAL: Principal = { clientId: 'proven', scopes: [], method: 'bearer' }

export interface Front {
  readonly port: number
  readonly forwarder: Forwarder
  /** How exchanges ended, in order; requests that were not forwarded are not among them. */
  readonly outcomes: readonly ExchangeOutcome[]
  /** Reasons of requests refused before they were forwarded. */
  readonly refused: readonly string[]
  /** Resolves when this many exchanges have ended. */
  ended(count?: number): Promise<void>
}

export interface FrontOptions extends Partial<ForwarderOptions> {
  /** Instead of the port given: the one target. */
  readonly upstream?: URL
  readonly responseHeaders?: readonly string[]
  /** Bytes that a body without a length may have. */
  readonly maxBody?: number
  /** Sees each request first. */
  before?(request: IncomingMessage, response: ServerResponse): void
}

/** A plain HTTP server that forwards every request which the building blocks let through. */
export async function front(
  t: ExecutionContext,
  upstreamPort: number,
  {
    responseHeaders = [],
    maxBody = Infinity,
    before,
    upstream: given,
    ...options
  }: FrontOptions = {},
): Promise<Front> {
  const upstream = given ?? new URL(`http://127.0.0.1:${upstreamPort}`)
  const forwarder = createForwarder({ targets: [upstream.href], ...options })
  const owned = ownedNames([IDENTITY])
  const rules = headerRules(owned)
  const outcomes: ExchangeOutcome[] = []
  const refused: string[] = []
  const events = new EventEmitter()

  const server = createServer((request, response) => {
    before?.(request, response)
    const { method = '', url = '' } = request
    const refuse = (status: number, reason: string): void => {
      refused.push(reason)
      answer(request, response, status, ['content-type', 'text/plain'], reason)
    }
    const target = readRequestTarget(url)
    if (!target.ok) return refuse(400, target.reason)
    const made = forwardedHeaders(request.rawHeaders, rules, {
      remoteAddress: request.socket.remoteAddress,
      scheme: 'https',
      httpVersion: request.httpVersion,
    })
    if (!made.ok) return refuse(made.status, made.reason)
    const { headers, body } = made
    const forwarded = { method, path: target.path, requestId: 'id', upstream: upstream.origin }
    const told = setIdentityHeaders(headers, PRINCIPAL, forwarded, [IDENTITY], owned)
    if (!told.ok) return refuse(500, told.reason)
    forwarder.forward(request, response, {
      method,
      target: url,
      headers,
      body,
      maxBody,
      responseHeaders,
      onDone(outcome) {
        outcomes.push(outcome)
        events.emit('ended')
      },
    })
  })
  server.maxHeadersCount = 0
  // what ends here ends because it was ended
  server.keepAliveTimeout = 0
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await forwarder.close(0)
  })
  return {
    port: (server.address() as AddressInfo).port,
    forwarder,
    outcomes,
    refused,
    async ended(count = 1) {
      while (outcomes.length < count) await once(events, 'ended')
    },
  }
}
