import type { Settings } from '../../config/settings-schema.ts'
import { createForwarder } from '../forward.ts'
import type { Forwarder } from '../forward.ts'

type UpstreamSettings = Pick<Settings, 'upstream' | 'upstreamLimits'>

/** The APIs behind us. */
export interface Upstreams {
  /** What they were made from: the same settings, the same connections. */
  readonly identity: string
  /** By the name that a rule says; without one it is the API that has none. */
  of(name: string | undefined): Forwarder
  /** Takes no more requests, lets those under way end for `grace` milliseconds, then cuts them off. */
  close(grace?: number): Promise<void>
}

/** Makes the upstreams, or goes on with the ones before when their settings are the same. */
export function openUpstreams(settings: UpstreamSettings, before?: Upstreams): Upstreams {
  const identity = JSON.stringify([settings.upstream, settings.upstreamLimits])
  if (before?.identity === identity) return before
  const { connections, connectTimeout, headersTimeout, idleTimeout } = settings.upstreamLimits
  const only = createForwarder({
    upstream: new URL(settings.upstream),
    connections,
    timeouts: { connect: connectTimeout, headers: headersTimeout, idle: idleTimeout },
  })
  return { identity, of: () => only, close: (grace) => only.close(grace) }
}
