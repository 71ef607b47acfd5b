import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

import { answer as give } from '../answer.ts'
import { problem } from '../decide.ts'
import type { Refused } from '../decide.ts'
import type { ExchangeOutcome } from '../exchange.ts'
import type { Forwarder, ForwardPlan } from '../forward.ts'
import { refuse } from '../refuse.ts'
import type { Exchanged, GatewayServices } from '../refuse.ts'
import { renderProblem } from '../render-refusal.ts'
import { responseHeaders } from '../response-headers.ts'
import { upstreamFailure } from '../upstream-failure.ts'
import type { UpstreamFailure } from '../upstream-failure.ts'
import { websocketKey } from './check-switch.ts'
import type { Offer } from './check-switch.ts'
import { relayAnswer } from './relay-answer.ts'
import { shakeHands } from './shake-hands.ts'

/** A request for an upgrade, and its connection, which is in our hands. */
export interface Asking extends Exchanged {
  readonly request: IncomingMessage
  /** From `lastResponse`. */
  readonly response: ServerResponse
  /** What came behind the request. */
  readonly head: Buffer
}

/** What an upgrade takes and whom it tells. */
export interface UpgradeUse {
  /** Both sides have agreed. @param closed to be called when the connection is over */
  onSwitched(upstream: Socket, closed: () => void): void
  /** There is no connection, or it is over. */
  onEnd(): void
}

const UNREADABLE: UpstreamFailure = { status: 502, reason: 'upstream-bad-response' }

/** Carries out an upgrade that all who judge requests have let pass. */
export function beginUpgrade(
  asking: Asking,
  plan: ForwardPlan,
  forwarder: Forwarder,
  services: GatewayServices,
  use: UpgradeUse,
): void {
  const { request, response, head, snapshot } = asking
  const protocol = (request.headers.upgrade ?? '').toLowerCase()
  const key = protocol === 'websocket' ? websocketKey(plan.headers) : undefined
  const offer = { protocol, key }
  const wrong = wrongWith(offer, plan)
  if (wrong) {
    use.onEnd()
    refuse(asking, services, wrong)
    return
  }
  const target = forwarder.choose()
  const end = (outcome: ExchangeOutcome): void => {
    target.release(outcome.ok || outcome.reason === 'client-aborted' ? undefined : outcome.reason)
    use.onEnd()
    plan.onDone?.(outcome)
  }
  const fail = (failure: UpstreamFailure): void => {
    const { status } = failure
    const { headers, body } = renderProblem(status, status === 503 ? ['retry-after', '1'] : [])
    give(request, response, status, [...headers, ...(plan.responseHeaders ?? [])], body)
    end({ ok: false, ...failure })
  }
  const { handshakeTimeout: timeout } = snapshot.settings.upgrades
  const { address, tls } = target
  shakeHands(
    { request, response, head, plan, offer, address, tls, timeout },
    {
      onSwitched(upstream) {
        target.answered()
        plan.onDone?.({ ok: true, status: 101 })
        use.onSwitched(upstream, () => {
          target.release()
          use.onEnd()
        })
      },
      onAnswer(answer) {
        const { statusCode = 502, headersDistinct } = answer
        const lines = responseHeaders(statusCode, headersDistinct, plan.responseHeaders ?? [])
        target.answered()
        if (lines) relayAnswer(answer, response, lines, timeout, end)
        else {
          answer.destroy()
          fail(UNREADABLE)
        }
      },
      onFailure(error) {
        fail(upstreamFailure(error))
      },
      onAborted() {
        end({ ok: false, reason: 'client-aborted' })
      },
    },
  )
}

/** What keeps a request from being an upgrade that can be asked for. */
function wrongWith({ protocol, key }: Offer, { method, body, principal }: ForwardPlan) {
  const refused = (reason: string, got?: string): Refused => ({
    ...problem(400, { reason, ...(got !== undefined && { got }) }),
    ...(principal && { clientId: principal.clientId }),
  })
  // Where a body ends and the new protocol begins is a question that servers answer differently.
  if (body > 0) return refused('upgrade-with-body')
  if (protocol !== 'websocket') return undefined
  if (method !== 'GET') return refused('websocket-method', method)
  return key === undefined ? refused('websocket-key-invalid') : undefined
}
