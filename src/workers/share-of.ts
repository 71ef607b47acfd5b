import type { Settings } from '../config/settings-schema.ts'
import type { UpstreamSettings } from '../config/upstream-schema.ts'
import type { Prepared } from '../prepare.ts'

/**
 * What one of several workers serves by. Counts that stand for the whole sidecar, and for what it asks the APIs to bear,
 * are divided among them, rounded up. What guards a process or a single request or connection stays as it is.
 */
export function shareOf(prepared: Prepared, processes: number): Prepared {
  return { ...prepared, settings: divided(prepared.settings, processes) }
}

function divided(settings: Settings, processes: number): Settings {
  const share = (whole: number) => Math.ceil(whole / processes)
  const ofUpstream = (upstream: UpstreamSettings): UpstreamSettings => {
    const { connections, waiting } = upstream.limits
    const limits = {
      ...upstream.limits,
      ...(connections !== undefined && { connections: share(connections) }),
      ...(waiting !== undefined && { waiting: share(waiting) }),
    }
    return { ...upstream, limits }
  }
  const { listen, upstream, upstreams, upstreamLimits } = settings
  return {
    ...settings,
    listen: {
      ...listen,
      maxConnections: share(listen.maxConnections),
      maxConnectionsPerSource: share(listen.maxConnectionsPerSource),
    },
    upstreamLimits: {
      ...upstreamLimits,
      connections: share(upstreamLimits.connections),
      waiting: share(upstreamLimits.waiting),
    },
    upstream: ofUpstream(upstream),
    upstreams: Object.fromEntries(
      Object.entries(upstreams).map(([name, one]) => [name, ofUpstream(one)]),
    ),
  }
}
