import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

import type { Principal, Refusal } from '#contract'

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

/**
 * What alone speaks against a target: there is no connection to it. Any other failure a caller could bring about, by
 * an upgrade of something that knows of none, and have the target left out for everybody.
 */
const AGAINST_TARGET: ReadonlySet<string> = new Set([
  'upstream-refused',
  'upstream-unreachable',
  'upstream-tls',
])

const HTTP2_ONLY: Refusal = {
  reason: 'upgrade-not-supported',
  got: 'protocol: h2 without TLS',
  want: 'protocol: http1',
  hint: 'give the rule of this path an upstream that is spoken to in HTTP/1.1',
}

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
  if (!target.mayTakeHttp1) {
    target.release()
    use.onEnd()
    refuse(asking, services, refused(501, HTTP2_ONLY, plan.principal))
    return
  }
  const end = (outcome: ExchangeOutcome): void => {
    const isOwn = !outcome.ok && AGAINST_TARGET.has(outcome.reason)
    target.release(isOwn ? outcome.reason : undefined)
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
        const { statusCode = 0, headersDistinct } = answer
        const lines =
          statusCode < 200
            ? undefined
            : responseHeaders(statusCode, headersDistinct, plan.responseHeaders ?? [])
        if (lines && relayAnswer(answer, response, lines, timeout, end)) target.answered()
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
  // Where a body ends and the new protocol begins is a question that servers answer differently.
  if (body > 0) return refused(400, { reason: 'upgrade-with-body' }, principal)
  if (protocol !== 'websocket') return undefined
  if (method !== 'GET') return refused(400, { reason: 'websocket-method', got: method }, principal)
  if (key === undefined) return refused(400, { reason: 'websocket-key-invalid' }, principal)
  return undefined
}

function refused(status: number, refusal: Refusal, principal: Principal | undefined): Refused {
  const made = problem(status, refusal)
  return principal ? { ...made, clientId: principal.clientId } : made
}
