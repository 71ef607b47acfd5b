import type { PluginHost } from '#contract'
import { z } from 'zod'

import { ALGORITHM_NAMES } from './algorithms.ts'
import type { AlgorithmName } from './algorithms.ts'
import type { Validity } from './key-holder.ts'

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }
const DURATION = /^(\d{1,6})([smhd])$/

/** `90s`, `15m`, `1h` → seconds. */
export const duration = z
  .string()
  .regex(DURATION, 'is not a duration; write 90s, 15m or 1h')
  .transform((text) => Number.parseInt(text, 10) * (SECONDS[text.slice(-1)] ?? 1))

const HOST = /^(\[[\da-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?)(:\d{1,5})?$/

/** How keys are had that a client publishes (`JWKSUri`). */
const jwksUri = z
  .strictObject({
    /** `host` or `host:port`; others are not asked. */
    hosts: z.array(z.string().toLowerCase().regex(HOST, 'is not host or host:port')).default([]),
    /** PEM file of the authorities of these hosts; absent: the public ones. */
    ca: z.string().min(1).optional(),
    /** For one answer. */
    timeout: duration.prefault('5s'),
    /** Of one answer. */
    maxBytes: z.int().min(1024).max(1_048_576).default(262_144),
    /** A set is fetched again after this. */
    maxAge: duration.prefault('10m'),
    /** A key id that is unknown makes us fetch again, at most this often. */
    minInterval: duration.prefault('30s'),
    /** How long a set counts that cannot be fetched again. */
    keepFor: duration.prefault('24h'),
  })
  .prefault({})

export const options = z
  .strictObject({
    /**
     * `issuer`: the issuer alone. `strict`: that, and only assertions typed `client-authentication+jwt`.
     * `legacy`: any of our endpoints too, also as one of several.
     */
    audience: z.enum(['issuer', 'strict', 'legacy']).optional(),
    /** The JWS algorithms that clients may sign with. */
    algorithms: z
      .array(z.enum(ALGORITHM_NAMES))
      .min(1)
      .default([...ALGORITHM_NAMES]),
    /** How far the client's clock may be off: `60s`. */
    clockSkew: duration.optional(),
    /** How far ahead an assertion may expire: `5m`. */
    maxLifetime: duration.optional(),
    jwksUri,
  })
  .prefault({})

export type Options = z.infer<typeof options>

/** The options with what the product whose rules apply makes of those left out. */
export interface Rules {
  readonly audience: 'issuer' | 'strict' | 'legacy'
  readonly algorithms: readonly AlgorithmName[]
  /** Seconds. */
  readonly clockSkew: number
  /** Seconds. */
  readonly maxLifetime: number
  readonly validity: Validity
}

const DEFAULTS = {
  none: { audience: 'issuer', clockSkew: 60, maxLifetime: 300, validity: 'enforce' },
  // There the certificate merely holds the key, five minutes are Microsoft's default, and an
  // assertion may live for ever; an hour is as long as a claimed `jti` can reasonably be kept.
  identityserver4: { audience: 'legacy', clockSkew: 300, maxLifetime: 3600, validity: 'ignore' },
} as const satisfies Record<PluginHost['compatibility'], Partial<Rules>>

export function rulesOf(
  given: Omit<Options, 'jwksUri'>,
  compatibility: PluginHost['compatibility'],
): Rules {
  const defaults = DEFAULTS[compatibility]
  return {
    algorithms: given.algorithms,
    audience: given.audience ?? defaults.audience,
    clockSkew: given.clockSkew ?? defaults.clockSkew,
    maxLifetime: given.maxLifetime ?? defaults.maxLifetime,
    validity: defaults.validity,
  }
}
