import type { ClientResponse } from '../../http/client-message.ts'
import { sourceOf } from '../../http/source-of.ts'
import { answer } from '../answer.ts'
import { callerAddress } from '../caller-address.ts'
import { problem } from '../decide.ts'
import { forwardedHeaders } from '../forwarded-headers.ts'
import { refuse, type Exchanged, type GatewayServices } from '../refuse.ts'
import { renderProblem } from '../render-refusal.ts'
import { loopDelay } from './loop-delay.ts'

/** Lets in what one process can bear. */
export interface Admission {
  /**
   * Counts a request until its answer is through or its client is gone, whatever it is for.
   * @returns false when it was answered here: it is one too many
   */
  admits(arriving: Exchanged): boolean
  /** Requests under way. */
  readonly underWay: number
}

const OVERLOADED = renderProblem(503, ['retry-after', '1'])
/** Milliseconds between two log lines: a line for each would be one more load. */
const LOG_INTERVAL = 1000

/** Refuses cheaply, and before anybody is asked who calls: what is under way is to end in time. */
export function openAdmission(services: GatewayServices): Admission {
  let underWay = 0
  const bySource = new Map<string, number>()
  const loop = loopDelay(() => underWay > 0)
  const enter = (source: string, own: number, response: ClientResponse): void => {
    underWay++
    bySource.set(source, own + 1)
    response.once('close', () => {
      underWay--
      const left = (bySource.get(source) ?? 1) - 1
      if (left > 0) bySource.set(source, left)
      else bySource.delete(source)
    })
  }
  const note = noteOf(services)
  return {
    admits(arriving) {
      const { request, requestId, response, snapshot } = arriving
      const { concurrentRequests, concurrentRequestsPerSource, maxEventLoopDelay } =
        snapshot.settings.limits
      const late = loop.lasting
      const source = sourceOf(callerAddress(request, snapshot.headerRules) ?? '')
      const own = bySource.get(source) ?? 0
      if (
        underWay < concurrentRequests &&
        own < concurrentRequestsPerSource &&
        late <= maxEventLoopDelay
      ) {
        // Of one that is over already nobody would say so again.
        if (!response.destroyed) enter(source, own, response)
        loop.watch()
        return true
      }
      const { rawHeaders, httpVersion } = request
      const arrival = { scheme: 'https', httpVersion } as const
      // The connection is kept, which is safe only where nobody could read another message out of it.
      const head = forwardedHeaders(rawHeaders, snapshot.headerRules, arrival)
      if (!head.ok) {
        refuse(arriving, services, problem(head.status, head))
        return false
      }
      services.metrics.refused('temporarily_unavailable', 'overloaded')
      note(underWay, late, own >= concurrentRequestsPerSource ? source : undefined)
      const lines = [...OVERLOADED.headers, 'x-request-id', requestId]
      answer(request, response, OVERLOADED.status, lines, OVERLOADED.body)
      return false
    },
    get underWay() {
      return underWay
    },
  }
}

/** @param source it alone has as many as it may */
type Note = (underWay: number, late: number, source: string | undefined) => void

/** One line at once, then one for all that were refused since. */
function noteOf({ log }: GatewayServices): Note {
  let refused = 0
  let timer: NodeJS.Timeout | undefined
  let now: { underWay: number; late: number; source: string | undefined }
  const say = (): void => {
    timer = undefined
    if (refused === 0) return
    const { underWay, late, source } = now
    const eventLoopDelay = Math.round(late)
    log.warn({ reason: 'overloaded', refused, underWay, eventLoopDelay, source }, 'load.shed')
    refused = 0
    timer = setTimeout(say, LOG_INTERVAL).unref()
  }
  return (underWay, late, source) => {
    refused++
    now = { underWay, late, source }
    if (timer === undefined) say()
  }
}
