import type { Client, Consideration, Credential, Refusal, Verdict } from '#contract'

import { StateUnavailableError } from '../errors.ts'
import type { ReadyPlugin } from '../plugin-host/set-up.ts'
import { TimeLimitError, withTimeLimit } from '../plugin-host/time-limit.ts'
import { validatorsFor } from './authentication.ts'
import type { AuthenticationParts } from './authentication.ts'

export type Check = Extract<Verdict, { ok: true }> | Refused

interface Refused {
  readonly ok: false
  /** The check itself failed, rather than the client. */
  readonly trouble?: 'server_error' | 'temporarily_unavailable'
  readonly refusal: Refusal
  readonly considered: readonly Consideration[]
}

const RETRY = { trouble: 'temporarily_unavailable' } as const

const VERDICT_REASON = /^[a-z0-9]+([-/][a-z0-9]+)*$/

/**
 * Asks every validator that takes this kind of credential; one acceptance is enough.
 * A client without a fitting secret is checked against a decoy, at the same cost.
 */
export async function checkSecrets(
  credential: Credential,
  client: Client,
  parts: AuthenticationParts,
  now: Date,
): Promise<Check> {
  let refused: Refused = {
    ok: false,
    refusal: { reason: 'validator-none', hint: `no validator accepts ${credential.kind}` },
    considered: expired(client, now),
  }
  for (const validator of validatorsFor(parts.validators, credential.kind)) {
    const check = await ask(validator, credential, client, parts, now)
    if (check.ok) return check
    const considered = [...refused.considered, ...check.considered]
    refused = { ...(telling(check) > telling(refused) ? check : refused), considered }
  }
  return refused
}

const TELLS_LITTLE = ['validator-none', 'secret-none', 'secret-expired']

/** How much a refusal helps: of several validators, the one whose secret came closest is to be heard. */
function telling({ trouble, refusal: { reason } }: Refused): number {
  if (trouble) return Infinity
  if (TELLS_LITTLE.includes(reason)) return TELLS_LITTLE.indexOf(reason)
  return TELLS_LITTLE.length + (/-(mismatch|unknown)$/.test(reason) ? 0 : 1)
}

async function ask(
  validator: ReadyPlugin<'validators'>,
  credential: Credential,
  client: Client,
  parts: AuthenticationParts,
  now: Date,
): Promise<Check> {
  const fitting = client.clientSecrets.filter(
    (secret) =>
      validator.part.secretTypes.includes(secret.type) &&
      (secret.expiration === undefined || secret.expiration > now),
  )
  const { audiences, trust, timeLimit } = parts
  const attempt = {
    credential,
    client,
    secrets: fitting.length > 0 ? fitting : (validator.part.decoys ?? []),
    audiences,
    now,
    trust,
    replay: parts.replayGuardOf(client.clientId),
  }
  try {
    const verdict = await withTimeLimit(validator.part.validate(attempt), timeLimit)
    if (!isVerdict(verdict)) return fault(validator, 'returned no verdict')
    // Too busy for a decoy is too busy: else the answer would tell known clients from unknown ones.
    const retry = !verdict.ok && verdict.retryable ? RETRY : undefined
    if (fitting.length === 0 && !retry) return nothingFits(validator, client)
    if (verdict.ok) return verdict
    const { ok: _, considered = [], ...refusal } = verdict
    return { ok: false, ...retry, refusal, considered }
  } catch (error) {
    if (error instanceof StateUnavailableError) {
      const refusal = { reason: 'state-unavailable', got: error.message }
      return { ok: false, ...RETRY, refusal, considered: [] }
    }
    const reason = error instanceof TimeLimitError ? 'plugin-timeout' : 'plugin-error'
    return fault(validator, error instanceof Error ? error.message : 'it threw', reason)
  }
}

function fault(
  validator: ReadyPlugin<'validators'>,
  message: string,
  reason = 'plugin-error',
): Check {
  const refusal = { reason, got: `${validator.id}: ${message}` }
  return { ok: false, trouble: 'server_error', refusal, considered: [] }
}

function nothingFits(validator: ReadyPlugin<'validators'>, client: Client): Refused {
  const own = client.clientSecrets.filter(({ type }) => validator.part.secretTypes.includes(type))
  const types = new Set(client.clientSecrets.map((secret) => secret.type))
  const refusal =
    own.length > 0
      ? { reason: 'secret-expired', hint: 'every secret of this type has expired; register one' }
      : {
          reason: 'secret-none',
          got: types.size > 0 ? `secrets of type ${[...types].join(', ')}` : 'no secrets',
          want: validator.part.secretTypes.join(' or '),
          hint: 'register a secret of this type for the client',
        }
  return { ok: false, refusal, considered: [] }
}

function expired(client: Client, now: Date): readonly Consideration[] {
  return client.clientSecrets.flatMap((secret) =>
    secret.expiration && secret.expiration <= now
      ? { secret, reason: 'secret-expired', got: secret.expiration.toISOString() }
      : [],
  )
}

// A plugin is somebody's file: only a verdict of the agreed form counts, anything else is a refusal.
function isVerdict(value: unknown): value is Verdict {
  if (typeof value !== 'object' || value === null || !('ok' in value)) return false
  if (value.ok === true) return true
  return value.ok === false && 'reason' in value && VERDICT_REASON.test(String(value.reason))
}
