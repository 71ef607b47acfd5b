import type { PluginLog } from '#contract'

import type { SourceEvent } from '../certificates/revocation/online-sources.ts'
import type { Guess } from '../client-authentication/guess-brake.ts'
import { ConfigError } from '../errors.ts'
import { logFaults } from './log-configuration.ts'
import type { Log } from './log.ts'

/** What happens beside requests, as log lines: each event has one name and one place, here. */
export interface EventLog {
  readonly plugin: PluginLog
  issuer(issuer: string, isThere: boolean, why?: string): void
  upstreamTarget(upstream: string, target: string, isIn: boolean, why?: string): void
  revocationSource(event: SourceEvent): void
  guessing(guess: Guess): void
  keysStay(error: unknown): void
  reloadFailed(error: unknown): void
}

export function eventLog(log: Log): EventLog {
  return {
    plugin: {
      info(message) {
        log.info({ message }, 'plugin.says')
      },
      warn(message) {
        log.warn({ message }, 'plugin.warns')
      },
    },
    issuer(issuer, isThere, why) {
      if (isThere) log.info({ issuer }, 'issuer.available')
      else log.warn({ issuer, message: why }, 'issuer.unavailable')
    },
    upstreamTarget(upstream, target, isIn, why) {
      if (isIn) log.info({ upstream, target }, 'upstream.target-back')
      else log.warn({ upstream, target, reason: why }, 'upstream.target-out')
    },
    revocationSource({ source, failure }) {
      if (failure) log.warn({ source, ...failure }, 'revocation.source-fails')
      else log.info({ source }, 'revocation.source-answers')
    },
    guessing({ clientId, source }) {
      log.warn({ claimedClient: clientId, remoteAddress: source }, 'guessing.suspected')
    },
    keysStay(error) {
      log.warn({ message: messageOf(error) }, 'signing-keys.not-refreshed')
    },
    reloadFailed(error) {
      if (!(error instanceof ConfigError)) {
        log.error({ message: messageOf(error) }, 'config.reload-failed')
        return
      }
      logFaults(log, error.faults)
      const errors = error.faults.filter(({ severity }) => severity === 'error').length
      const message = `${errors} ${errors === 1 ? 'error' : 'errors'}; the configuration before it goes on serving`
      log.error({ message }, 'config.reload-failed')
    },
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : 'unknown'
}
