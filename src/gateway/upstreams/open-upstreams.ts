import { createHash } from 'node:crypto'

import type { Settings } from '../../config/settings-schema.ts'
import type { UpstreamSettings } from '../../config/upstream-schema.ts'
import { createForwarder } from '../forward.ts'
import type { Forwarder, ForwarderOptions } from '../forward.ts'

type AllSettings = Pick<Settings, 'upstream' | 'upstreams' | 'upstreamLimits'>

/** What is told of targets while they are used. No argument is a client's choice. */
export interface UpstreamReports {
  /** It is left out, and why, or used again. */
  onChange(upstream: string, target: string, isIn: boolean, why?: string): void
  onFailure(upstream: string, target: string, reason: string): void
  onRetry(upstream: string, target: string): void
}

/** How one target is doing. */
export interface TargetFigures {
  readonly upstream: string
  readonly target: string
  readonly underWay: number
  readonly isOut: boolean
}

/** The APIs behind us. */
export interface Upstreams {
  /** What they were made from: the same settings, the same connections. */
  readonly identity: string
  /** By the name that a rule says; without one it is the API that has none. */
  of(name: string | undefined): Forwarder
  figures(): readonly TargetFigures[]
  /** Names of those all of whose targets are out; they are used all the same. */
  down(): readonly string[]
  /** Takes no more requests, lets those under way end for `grace` milliseconds, then cuts them off. */
  close(grace?: number): Promise<void>
}

/** Makes the upstreams, or goes on with the ones before when their settings are the same. */
export function openUpstreams(
  settings: AllSettings,
  reports: UpstreamReports,
  before?: Upstreams,
): Upstreams {
  const { upstream, upstreams, upstreamLimits } = settings
  // hashed, because there are keys in it
  const identity = createHash('sha256')
    .update(JSON.stringify([upstream, upstreams, upstreamLimits]))
    .digest('base64')
  if (before?.identity === identity) return before
  const open = (name: string, one: UpstreamSettings): Forwarder =>
    createForwarder(optionsOf(name, one, upstreamLimits, reports))
  const unnamed = open('default', upstream)
  const named = new Map(Object.entries(upstreams).map(([name, one]) => [name, open(name, one)]))
  const all: readonly (readonly [string, Forwarder])[] = [['default', unnamed], ...named]
  return {
    identity,
    of(name) {
      if (name === undefined) return unnamed
      const found = named.get(name)
      // checked when the configuration was loaded
      if (!found) throw new Error(`there is no upstream ${name}`)
      return found
    },
    figures: () =>
      all.flatMap(([name, { targets }]) =>
        targets.map((target) => ({
          upstream: name,
          target: target.address.text,
          underWay: target.underWay,
          isOut: target.outUntil !== 0 || !target.healthy,
        })),
      ),
    down: () =>
      all
        .filter(([, { targets }]) => targets.every((one) => one.outUntil !== 0 || !one.healthy))
        .map(([name]) => name),
    async close(grace) {
      await Promise.all(all.map(([, one]) => one.close(grace)))
    },
  }
}

function optionsOf(
  name: string,
  { targets, protocol, tls, limits: own, health, ejection, retries }: UpstreamSettings,
  common: AllSettings['upstreamLimits'],
  reports: UpstreamReports,
): ForwarderOptions {
  const { connectTimeout, headersTimeout, idleTimeout } = common
  return {
    targets,
    protocol,
    tls,
    connections: own.connections ?? common.connections,
    waiting: own.waiting ?? common.waiting,
    timeouts: {
      connect: own.connectTimeout ?? connectTimeout,
      headers: own.headersTimeout ?? headersTimeout,
      idle: own.idleTimeout ?? idleTimeout,
    },
    totalTimeout: own.totalTimeout ?? common.totalTimeout,
    health,
    ejection,
    retries,
    events: {
      onChange: ({ address }, isIn, why) => reports.onChange(name, address.text, isIn, why),
      onFailure: ({ address }, reason) => reports.onFailure(name, address.text, reason),
      onRetry: ({ address }) => reports.onRetry(name, address.text),
    },
  }
}
