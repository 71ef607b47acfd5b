import { Counter, Gauge } from 'prom-client'
import type { Registry } from 'prom-client'

import type { CacheFigures } from '../introspection/introspection-cache.ts'

const COUNTED = {
  hits: 'Look-ups that memory answered.',
  misses: 'Look-ups that had to ask.',
  joined: 'Misses that joined the question of another.',
  stale: 'Last good answers given because nobody could say anew.',
  refreshed: 'Questions asked before an answer ended, in the background.',
} as const

const MEASURED = {
  entries: 'Active answers in memory.',
  inactiveEntries: 'Inactive answers in memory.',
  bytes: 'What the answers in memory take, as reckoned.',
} as const

/** Shows what the memory of introspection does; it is asked when the metrics are. */
export function introspectionMetrics(registry: Registry, figures: () => CacheFigures): void {
  for (const [name, help] of Object.entries(COUNTED) as [keyof typeof COUNTED, string][]) {
    const counter: Counter = new Counter({
      name: `vouchgate_introspection_cache_${name}_total`,
      help,
      collect() {
        counter.reset()
        counter.inc(figures()[name])
      },
      registers: [],
    })
    registry.registerMetric(counter)
  }
  for (const [name, help] of Object.entries(MEASURED) as [keyof typeof MEASURED, string][]) {
    const gauge: Gauge = new Gauge({
      name: `vouchgate_introspection_cache_${name === 'inactiveEntries' ? 'inactive_entries' : name}`,
      help,
      collect() {
        gauge.set(figures()[name])
      },
      registers: [],
    })
    registry.registerMetric(gauge)
  }
}
