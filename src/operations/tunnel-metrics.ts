import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'

/** What is counted of connections that became something else than HTTP. */
export interface TunnelMetrics {
  tunnelOpened(): void
  /** Both of its connections are closed. @param reason what ended it */
  tunnelClosed(reason: string): void
}

/** How they end by themselves, or by a limit; all that a check of the caller finds is `refused`. */
const REASONS = new Set([
  'client-closed',
  'client-error',
  'upstream-closed',
  'upstream-error',
  'tunnel-idle',
  'stopping',
  'token-expired',
  'token-revoked',
  'client-disabled',
])

/** Counts them. */
export function tunnelMetrics(registry: Registry): TunnelMetrics {
  const registers = [registry]
  const open = new Gauge({
    name: 'vouchgate_upgraded_connections',
    help: 'Connections that were upgraded and are open.',
    registers,
  })
  const closed = new Counter({
    name: 'vouchgate_upgraded_connections_closed_total',
    help: 'Connections that were upgraded and are closed, by what ended them.',
    labelNames: ['reason'] as const,
    registers,
  })
  return {
    tunnelOpened: () => {
      open.inc()
    },
    tunnelClosed: (reason) => {
      open.dec()
      closed.inc({ reason: REASONS.has(reason) ? reason : 'refused' })
    },
  }
}
