import { randomUUID } from 'node:crypto'

import type { App, AppServices } from './app.ts'
import { problem } from './gateway/decide.ts'
import { gateway } from './gateway/gateway.ts'
import { refuse } from './gateway/refuse.ts'
import { openAdmission } from './gateway/limits/admission.ts'
import { readRequestTarget } from './gateway/request-target.ts'
import type { Upstreams } from './gateway/upstreams/open-upstreams.ts'
import type { Receive, Upgrades } from './gateway/upgrades/open-upgrades.ts'
import { isVerification, verify } from './gateway/verify.ts'
import { isHttp2 } from './http/client-message.ts'
import { isFinished } from './http/finished-connections.ts'
import type { ListenerHandlers } from './http/listener-handlers.ts'
import { connectionLog } from './operations/connection-log.ts'
import type { Snapshot } from './snapshot.ts'

/** What serves a request; replaced whole by a reload. */
export interface Serving {
  readonly snapshot: Snapshot
  readonly app: App
  readonly upstreams: Upstreams
}

/** Takes what the listener received to the one of three that it is for. A request keeps what was serving when it came. */
export function receive(
  serving: () => Serving,
  services: AppServices,
  upgrades: Upgrades,
): ListenerHandlers {
  const admission = openAdmission(services)
  services.metrics.showUnderWay(() => admission.underWay)
  const take: Receive = (request, response, through) => {
    if (isFinished(request)) return
    const { snapshot, app, upstreams } = serving()
    const requestId = randomUUID()
    if (request.httpVersionMajor !== 1 && !isHttp2(request)) {
      refuse({ request, response, requestId, snapshot }, services, VERSION)
      return
    }
    if (!admission.admits({ request, response, requestId, snapshot })) return
    const target = readRequestTarget(request.url ?? '')
    const { verification } = snapshot.endpoints.path
    if (target.ok && isVerification(target.path, verification)) {
      verify({ request, response, requestId, snapshot }, services)
    } else if (target.ok && app.owns(target.path)) app.handle(request, response, requestId)
    else {
      const api = { request, response, requestId, target, snapshot, upstreams }
      gateway(through ? through(api) : api, services)
    }
  }
  return {
    onRequest(request, response) {
      take(request, response)
    },
    onExpectation(request, response) {
      if (isFinished(request)) return
      const { snapshot } = serving()
      refuse({ request, response, requestId: randomUUID(), snapshot }, services, UNMET)
    },
    wantsUpgrade: upgrades.wants,
    onUpgrade(request, _socket, head) {
      upgrades.take(request, head, take)
    },
    onRefusedConnection: connectionLog(services.log, services.metrics, () => performance.now()),
  }
}

/** Node takes HTTP/0.9 and HTTP/2.0 from a request line. */
const VERSION = problem(400, { reason: 'http-version', want: 'HTTP/1.1 or HTTP/1.0' })
const UNMET = problem(417, { reason: 'expectation-unknown', want: '100-continue' })
