import { answer } from '../answer.ts'
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
  const loop = loopDelay(() => underWay > 0)
  const leave = (): void => {
    underWay--
  }
  const note = noteOf(services)
  return {
    admits(arriving) {
      const { response, snapshot } = arriving
      const { concurrentRequests, maxEventLoopDelay } = snapshot.settings.limits
      const late = loop.lasting
      if (underWay < concurrentRequests && late <= maxEventLoopDelay) {
        // Of one that is over already nobody would say so again.
        if (!response.destroyed) {
          underWay++
          response.once('close', leave)
        }
        loop.watch()
        return true
      }
      const { request, requestId } = arriving
      const { rawHeaders, httpVersion } = request
      const arrival = { scheme: 'https', httpVersion } as const
      // The connection is kept, which is safe only where nobody could read another message out of it.
      const head = forwardedHeaders(rawHeaders, snapshot.headerRules, arrival)
      if (!head.ok) {
        refuse(arriving, services, problem(head.status, head))
        return false
      }
      services.metrics.refused('temporarily_unavailable', 'overloaded')
      note(underWay, late)
      const lines = [...OVERLOADED.headers, 'x-request-id', requestId]
      answer(request, response, OVERLOADED.status, lines, OVERLOADED.body)
      return false
    },
    get underWay() {
      return underWay
    },
  }
}

type Note = (underWay: number, late: number) => void

/** One line at once, then one for all that were refused since. */
function noteOf({ log }: GatewayServices): Note {
  let refused = 0
  let timer: NodeJS.Timeout | undefined
  let now = { underWay: 0, late: 0 }
  const say = (): void => {
    timer = undefined
    if (refused === 0) return
    const eventLoopDelay = Math.round(now.late)
    log.warn({ reason: 'overloaded', refused, underWay: now.underWay, eventLoopDelay }, 'load.shed')
    refused = 0
    timer = setTimeout(say, LOG_INTERVAL).unref()
  }
  return (underWay, late) => {
    refused++
    now = { underWay, late }
    if (timer === undefined) say()
  }
}
