import type { Client } from '#contract'
import { Counter, Gauge, Registry } from 'prom-client'
import type { MetricObjectWithValues, MetricValue } from 'prom-client'

import type { CacheFigures } from '../introspection/introspection-cache.ts'
import { introspectionMetrics } from './introspection-metrics.ts'
import { tunnelMetrics } from './tunnel-metrics.ts'
import type { TunnelMetrics } from './tunnel-metrics.ts'
import { upstreamMetrics } from './upstream-metrics.ts'
import type { UpstreamMetrics } from './upstream-metrics.ts'

/** The metrics of one process, as data: those of several are added up. */
export type Figures = MetricObjectWithValues<MetricValue<string>>[]

/** What Prometheus sees. No label is a client's choice. */
export interface Metrics extends TunnelMetrics, UpstreamMetrics {
  proxied(status: number): void
  /** Another proxy was told that a request may pass. */
  verified(): void
  refused(error: string, reason: string): void
  /** A connection that was not taken, or was ended for what came on it. */
  connectionRefused(reason: string): void
  tokenIssued(method: string, type: Client['accessTokenType']): void
  /** An answer of the introspection endpoint. */
  introspected(result: 'active' | 'inactive'): void
  /** `ignored`: the token was not the client's, or counted no more. */
  revoked(result: 'revoked' | 'ignored'): void
  reloaded(result: 'success' | 'failure'): void
  /** A call to another issuer, which the configuration names. */
  issuerAsked(issuer: string, what: 'introspection' | 'jwks' | 'discovery', ok: boolean): void
  /** Shows what the memory of introspection does. Once only. */
  showIntrospection(figures: () => CacheFigures): void
  /** Shows how many requests are under way. Once only. */
  showUnderWay(count: () => number): void
  figures(): Promise<Figures>
  render(): Promise<RenderedMetrics>
}

export interface RenderedMetrics {
  readonly contentType: string
  readonly text: string
}

// A plugin chooses its reasons; one that puts an id into them must not fill our memory.
const MAX_REASONS = 500

/** @param version of this program */
export function createMetrics(version: string): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Counter({
    name: 'vouchgate_requests_total',
    help: 'Requests that were forwarded, by the class of the status the client saw.',
    labelNames: ['status'] as const,
    registers,
  })
  const verifications = new Counter({
    name: 'vouchgate_verifications_total',
    help: 'Requests that other proxies were told to let pass.',
    registers,
  })
  const refusals = new Counter({
    name: 'vouchgate_refusals_total',
    help: 'Requests that were refused, by the error on the wire and our reason.',
    labelNames: ['error', 'reason'] as const,
    registers,
  })
  const connections = new Counter({
    name: 'vouchgate_connections_refused_total',
    help: 'Connections that were not taken, or were ended for what came on them, by our reason.',
    labelNames: ['reason'] as const,
    registers,
  })
  const tokens = new Counter({
    name: 'vouchgate_tokens_issued_total',
    help: 'Access tokens issued, by client authentication method and type of token.',
    labelNames: ['auth_method', 'type'] as const,
    registers,
  })
  const introspections = new Counter({
    name: 'vouchgate_introspection_requests_total',
    help: 'Answers of the introspection endpoint, by result.',
    labelNames: ['result'] as const,
    registers,
  })
  const revocations = new Counter({
    name: 'vouchgate_revocation_requests_total',
    help: 'Answers of the revocation endpoint, by result.',
    labelNames: ['result'] as const,
    registers,
  })
  const reloads = new Counter({
    name: 'vouchgate_config_reload_total',
    help: 'Configuration reloads, by result.',
    labelNames: ['result'] as const,
    registers,
  })
  const issuerCalls = new Counter({
    name: 'vouchgate_issuer_calls_total',
    help: 'Calls to other issuers, by issuer, what was asked for, and whether there was an answer.',
    labelNames: ['issuer', 'what', 'result'] as const,
    registers,
  })
  new Gauge({
    name: 'vouchgate_build_info',
    help: 'Always 1; the labels say what is running.',
    // The same in each worker.
    aggregator: 'first',
    labelNames: ['version', 'node'] as const,
    registers,
  }).set({ version, node: process.version }, 1)
  let underWay = () => 0
  const gauge = new Gauge({
    name: 'vouchgate_requests_under_way',
    help: 'Requests that came and are not answered to their end.',
    registers,
    collect: () => {
      gauge.set(underWay())
    },
  })
  // There from the start, so that a first failure shows as a rise.
  for (const result of ['success', 'failure']) reloads.inc({ result }, 0)
  const reasons = new Set<string>()
  const classes = [1, 2, 3, 4, 5].map((first) => requests.labels(`${first}xx`))
  return {
    proxied: (status) => classes[Math.trunc(status / 100) - 1]?.inc(),
    verified: () => {
      verifications.inc()
    },
    refused: (error, reason) => {
      if (reasons.size < MAX_REASONS) reasons.add(reason)
      refusals.inc({ error, reason: reasons.has(reason) ? reason : 'other' })
    },
    connectionRefused: (reason) => {
      connections.inc({ reason })
    },
    tokenIssued: (method, type) => {
      tokens.inc({ auth_method: method, type: type.toLowerCase() })
    },
    introspected: (result) => {
      introspections.inc({ result })
    },
    revoked: (result) => {
      revocations.inc({ result })
    },
    reloaded: (result) => {
      reloads.inc({ result })
    },
    issuerAsked: (issuer, what, ok) => {
      issuerCalls.inc({ issuer, what, result: ok ? 'answered' : 'failed' })
    },
    showIntrospection: (figures) => {
      introspectionMetrics(registry, figures)
    },
    showUnderWay: (count) => {
      underWay = count
    },
    ...tunnelMetrics(registry),
    ...upstreamMetrics(registry),
    figures: () => registry.getMetricsAsJSON(),
    render: async () => ({
      contentType: registry.contentType,
      text: await registry.metrics(),
    }),
  }
}
