import type { Settings } from '../config/settings-schema.ts'
import { createForwarder } from './forward.ts'
import type { Forwarder } from './forward.ts'

type UpstreamSettings = Pick<Settings, 'upstream' | 'upstreamLimits'>

/** A forwarder, and what it was made from. */
export interface OpenForwarder {
  readonly settings: UpstreamSettings
  readonly forwarder: Forwarder
}

/** The forwarder to the upstream: the one before when its settings are the same, so that its connections stay. */
export function openForwarder(settings: UpstreamSettings, before?: OpenForwarder): Forwarder {
  if (before && keyOf(before.settings) === keyOf(settings)) return before.forwarder
  const { connections, connectTimeout, headersTimeout, idleTimeout } = settings.upstreamLimits
  return createForwarder({
    upstream: new URL(settings.upstream),
    connections,
    timeouts: { connect: connectTimeout, headers: headersTimeout, idle: idleTimeout },
  })
}

function keyOf({ upstream, upstreamLimits }: UpstreamSettings): string {
  return JSON.stringify([upstream, upstreamLimits])
}
