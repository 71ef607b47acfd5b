import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'

import type { TargetFigures } from '../gateway/upstreams/open-upstreams.ts'

/** What Prometheus sees of the APIs behind us; all labels come from the configuration and the code. */
export interface UpstreamMetrics {
  upstreamFailed(upstream: string, target: string, reason: string): void
  upstreamRetried(upstream: string, target: string): void
  /** Shows how targets are doing; asked when the metrics are. Once only. */
  showUpstreams(figures: () => readonly TargetFigures[]): void
}

const LABELS = ['upstream', 'target'] as const

const MEASURED = [
  {
    name: 'vouchgate_upstream_requests_under_way',
    help: 'Requests and upgraded connections that a target has now, waiting ones among them.',
    valueOf: ({ underWay }: TargetFigures) => underWay,
  },
  {
    name: 'vouchgate_upstream_target_out',
    help: 'Whether a target is left out because it keeps failing; with workers: for how many of them.',
    valueOf: ({ isOut }: TargetFigures) => (isOut ? 1 : 0),
  },
]

/** Counts what becomes of requests at the targets of upstreams. */
export function upstreamMetrics(registry: Registry): UpstreamMetrics {
  const registers = [registry]
  const failures = new Counter({
    name: 'vouchgate_upstream_failures_total',
    help: 'Failures of targets, by reason; also those after which another attempt was answered.',
    labelNames: [...LABELS, 'reason'] as const,
    registers,
  })
  const retries = new Counter({
    name: 'vouchgate_upstream_retries_total',
    help: 'Requests that were sent once more, by the target that got them then.',
    labelNames: LABELS,
    registers,
  })
  return {
    upstreamFailed(upstream, target, reason) {
      failures.inc({ upstream, target, reason })
    },
    upstreamRetried(upstream, target) {
      retries.inc({ upstream, target })
    },
    showUpstreams(figures) {
      for (const { name, help, valueOf } of MEASURED) {
        const gauge: Gauge<(typeof LABELS)[number]> = new Gauge({
          name,
          help,
          labelNames: LABELS,
          collect() {
            // a reload may have taken targets away
            gauge.reset()
            for (const one of figures()) {
              gauge.set({ upstream: one.upstream, target: one.target }, valueOf(one))
            }
          },
          registers,
        })
      }
    },
  }
}
