import type { IncomingMessage } from 'node:http'

import type { ClientRequest, ClientResponse } from '../../http/client-message.ts'
import type { Serving } from '../../receive.ts'
import { problem } from '../decide.ts'
import type { ForwardPlan } from '../forward.ts'
import type { ApiRequest } from '../gateway.ts'
import { refuse } from '../refuse.ts'
import { readRequestTarget } from '../request-target.ts'
import { isVerification } from '../verify.ts'
import { beginUpgrade } from './begin-upgrade.ts'
import type { Asking, UpgradeUse } from './begin-upgrade.ts'
import { lastResponse } from './last-response.ts'
import { Tunnel } from './tunnel.ts'
import { createTunnels } from './tunnels.ts'
import type { TunnelServices } from './tunnels.ts'
import { wantsUpgrade } from './wants-upgrade.ts'

/** Receives a request; `through` changes what the gateway gets of it. */
export type Receive = (
  request: ClientRequest,
  response: ClientResponse,
  through?: (api: ApiRequest) => ApiRequest,
) => void

/** Connections of clients that become something else than HTTP. */
export interface Upgrades {
  /** Whether a request is for `take`; any other is a request like others, and its `Upgrade` counts for nothing. */
  wants(request: IncomingMessage): boolean
  /** @param head what came behind the request */
  take(request: IncomingMessage, head: Buffer, receive: Receive): void
  /** Begins no more, and ends those that are open when most of so many milliseconds are over. */
  stop(milliseconds: number): void
}

/** How often what is open is looked at, in milliseconds. */
const INTERVAL = 1000
/** The rest of the time is for the connections to close in. */
const STOP_AFTER = 0.8

/**
 * An upgrade takes the way of every request, through the same code, up to where it would be forwarded: there it is
 * asked of the upstream instead, in the form that was to be forwarded.
 */
export function openUpgrades(serving: () => Serving, services: TunnelServices): Upgrades {
  const { metrics } = services
  const tunnels = createTunnels(() => serving().snapshot, services)
  let taken = 0
  let isStopping = false
  let timer: NodeJS.Timeout | undefined

  const watch = () => {
    timer ??= setInterval(() => {
      tunnels.look(new Date())
      if (tunnels.size > 0) return
      clearInterval(timer)
      timer = undefined
    }, INTERVAL).unref()
  }

  const useOf = (api: ApiRequest, { principal }: ForwardPlan): UpgradeUse => ({
    onSwitched(upstream, onClosed) {
      const { request, requestId, target, snapshot } = api
      const { idleTimeout } = snapshot.settings.upgrades
      const method = request.method ?? ''
      const tunnel = new Tunnel(request.socket, upstream, idleTimeout, (reason) => {
        remove()
        metrics.tunnelClosed(reason)
        onClosed()
      })
      const remove = tunnels.add({
        tunnel,
        requestId,
        path: target.ok ? target.path : '',
        opened: { question: { request, method, target }, principal },
      })
      metrics.tunnelOpened()
      watch()
    },
    onEnd() {
      taken--
    },
  })

  const tooMany = ({ snapshot }: ApiRequest) => {
    const { maxConnections } = snapshot.settings.upgrades
    if (isStopping) return { reason: 'gateway-closing' }
    if (taken < maxConnections) return undefined
    return { reason: 'too-many-upgrades', want: `up to ${maxConnections}` }
  }

  const through = (api: ApiRequest, asking: Pick<Asking, 'request' | 'response' | 'head'>) => {
    const { upstreams } = api
    const of = (name: string | undefined) => {
      const forwarder = upstreams.of(name)
      const forward = (_request: unknown, _response: unknown, plan: ForwardPlan) => {
        const refusal = tooMany(api)
        if (refusal) {
          const client = plan.principal && { clientId: plan.principal.clientId }
          refuse(api, services, { ...problem(503, refusal, ['retry-after', '5']), ...client })
          return
        }
        taken++
        beginUpgrade({ ...api, ...asking }, plan, forwarder, services, useOf(api, plan))
      }
      return { ...forwarder, forward }
    }
    return { ...api, upstreams: { ...upstreams, of } }
  }

  return {
    wants(request) {
      const { snapshot, app } = serving()
      if (!wantsUpgrade(request, snapshot.settings.upgrades.protocols)) return false
      const target = readRequestTarget(request.url ?? '')
      if (!target.ok || app.owns(target.path)) return false
      return !isVerification(target.path, snapshot.endpoints.path.verification)
    },
    take(request, head, receive) {
      const response = lastResponse(request)
      receive(request, response, (api) => through(api, { request, response, head }))
    },
    stop(milliseconds) {
      isStopping = true
      setTimeout(() => tunnels.endAll('stopping'), milliseconds * STOP_AFTER).unref()
    },
  }
}
