import type { ClientRequest, ClientResponse } from '../http/client-message.ts'
import type { Exchange } from './exchange.ts'
import type { UpstreamFailure } from './upstream-failure.ts'

/**
 * Answers the client in the upstream's place; `headers` are lines for it, name and value in turn.
 */
export type FailureAnswer = (
  request: ClientRequest,
  response: ClientResponse,
  failure: UpstreamFailure,
  headers: readonly string[],
) => void

/** What all exchanges with an upstream have in common. Times are in milliseconds. */
export interface Lane {
  /** How long the client may stand still in the middle of the answer. */
  readonly idle: number
  /** How long all of it may take; 0: as long as it likes. */
  readonly total: number
  /** Trailers may come without chunks. */
  readonly isHttp2: boolean
  readonly fail: FailureAnswer
  /** Sends the request to a target, or ends the exchange when there is no room. */
  begin(exchange: Exchange): void
  /** @returns whether it was sent once more */
  again(exchange: Exchange, where: 'another' | 'any'): boolean
}
