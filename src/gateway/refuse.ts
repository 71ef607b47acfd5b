import type { ClientRequest, ClientResponse } from '../http/client-message.ts'
import type { Log } from '../operations/log.ts'
import type { Metrics } from '../operations/metrics.ts'
import { refusalLine } from '../operations/refusal-line.ts'
import type { Snapshot } from '../snapshot.ts'
import { answer } from './answer.ts'
import { callerAddress } from './caller-address.ts'
import type { Refused } from './decide.ts'
import { renderRefusal } from './render-refusal.ts'

/** One request that wants an answer. */
export interface Exchanged {
  readonly request: ClientRequest
  readonly response: ClientResponse
  readonly requestId: string
  readonly snapshot: Snapshot
}

export interface GatewayServices {
  readonly log: Log
  readonly metrics: Metrics
}

/** What was asked for; never the query: there may be a token in it. */
export interface Asked {
  readonly method: string
  readonly path: string
}

/** Counts and logs a refusal, and answers with it. */
export function refuse(
  call: Exchanged,
  services: GatewayServices,
  refused: Refused,
  asked?: Asked,
): void {
  report(call, services, refused, asked)
  const { request, response, requestId } = call
  const { status, headers, body } = refused.rendered
  answer(request, response, status, [...headers, 'x-request-id', requestId], body)
}

/** Counts and logs a refusal that was answered already. */
export function report(
  { request, requestId, snapshot }: Exchanged,
  { log, metrics }: GatewayServices,
  refused: Refused,
  asked: Asked = askedOf(request),
): void {
  const { ok: _, rendered, ...rest } = refused
  metrics.refused(rest.error, rest.refusal.reason)
  log.warn(
    refusalLine({
      requestId,
      remoteAddress: callerAddress(request, snapshot.headerRules),
      ...asked,
      status: rendered.status,
      ...rest,
    }),
    'request.refused',
  )
}

/** Does the work, which may come to its end later. When it throws the request goes no further. */
export function failClosed(
  call: Exchanged,
  services: GatewayServices,
  work: () => void | Promise<void>,
): void {
  try {
    work()?.catch((error: unknown) => {
      fail(call, services, error)
    })
  } catch (error) {
    fail(call, services, error)
  }
}

function fail(call: Exchanged, services: GatewayServices, error: unknown): void {
  services.log.error({ requestId: call.requestId, err: error }, 'request.failed')
  if (call.response.headersSent) {
    call.response.destroy()
    return
  }
  refuse(call, services, {
    ok: false,
    rendered: renderRefusal('server_error', [], undefined),
    error: 'server_error',
    refusal: { reason: 'internal-error' },
  })
}

function askedOf({ method = '', url = '' }: ClientRequest): Asked {
  // Any other form may begin with a user and a password.
  return { method, path: url.startsWith('/') ? (url.split('?', 1)[0] ?? '') : '' }
}
