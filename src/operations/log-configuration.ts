import type { Settings } from '../config/settings-schema.ts'
import type { Fault } from '../errors.ts'
import type { PluginFile } from '../plugin-host/discover.ts'
import type { Log } from './log.ts'

/** Every fault by its weight. */
export function logFaults(log: Log, faults: readonly Fault[]): void {
  for (const { at, message, severity } of faults) {
    if (severity === 'error') log.error({ at, message }, 'config.error')
    else log.warn({ at, message }, severity === 'disabled' ? 'config.disabled' : 'config.note')
  }
}

/** Makes what logs each plugin that is loaded, once for each content. */
export function pluginLogger(): (log: Log, plugins: readonly PluginFile[]) => void {
  const seen = new Set<string>()
  return (log, plugins) => {
    for (const { id, slot, name, file, sha256 } of plugins) {
      const key = JSON.stringify([id, file, sha256])
      if (!seen.has(key)) log.info({ slot, name, file, sha256 }, 'plugin.loaded')
      seen.add(key)
    }
  }
}

/** What a state store does not do, where somebody may count on it. */
export function warnOfLocalState(
  log: Log,
  { id, part }: { id: string; part: { shared: boolean; durable: boolean } },
) {
  if (!part.durable) {
    const message = `${id} forgets everything at a restart: signing keys, and which assertions were used`
    log.warn({ message }, 'state.not-durable')
  }
  if (!part.shared) {
    const message = `${id} is local to this sidecar: a replay is noticed only here, so run one replica`
    log.info({ message }, 'state.local')
  }
}

/** Settings that were changed and are not looked at again before a restart. */
export function warnOfRestart(log: Log, before: Settings, after: Settings): void {
  const fixed = ({ listen, workers, operations, state, introspection }: Settings) => {
    const { certificate: _, key: __, ...rest } = listen
    return { listen: rest, workers, operations, state, introspection }
  }
  const [old, now] = [fixed(before), fixed(after)]
  for (const name of ['listen', 'workers', 'operations', 'state', 'introspection'] as const) {
    if (JSON.stringify(old[name]) === JSON.stringify(now[name])) continue
    log.warn({ message: `${name} has changed; that counts after a restart` }, 'config.note')
  }
}
