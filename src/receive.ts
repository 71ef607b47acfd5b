import { randomUUID } from 'node:crypto'

import type { App, AppServices } from './app.ts'
import { gateway } from './gateway/gateway.ts'
import { readRequestTarget } from './gateway/request-target.ts'
import type { Upstreams } from './gateway/upstreams/open-upstreams.ts'
import { isVerification, verify } from './gateway/verify.ts'
import { isFinished } from './http/finished-connections.ts'
import type { RequestListener } from './http/tls-listener.ts'
import type { Snapshot } from './snapshot.ts'

/** What serves a request; replaced whole by a reload. */
export interface Serving {
  readonly snapshot: Snapshot
  readonly app: App
  readonly upstreams: Upstreams
}

/** Takes what the listener received to the one of three that it is for. A request keeps what was serving when it came. */
export function receive(serving: () => Serving, services: AppServices): RequestListener {
  return (request, response) => {
    if (isFinished(request.socket)) return
    const { snapshot, app, upstreams } = serving()
    const requestId = randomUUID()
    const target = readRequestTarget(request.url ?? '')
    const { verification } = snapshot.endpoints.path
    if (target.ok && isVerification(target.path, verification)) {
      verify({ request, response, requestId, snapshot }, services)
    } else if (target.ok && app.owns(target.path)) app.handle(request, response, requestId)
    else gateway({ request, response, requestId, target, snapshot, upstreams }, services)
  }
}
