import { z } from 'zod'

import { duration } from '../config/fields.ts'
import type { References } from '../config/fields.ts'
import { secretsSchema } from './secret-schema.ts'

/** What the definitions leave open. */
export interface ClientDefaults {
  /** Seconds. */
  readonly accessTokenLifetime: number
}

// RFC 6749 §3.3.
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,300}$/

/** The name of a scope. */
export const scopeToken = z.string().regex(SCOPE, 'is not a scope token (RFC 6749 §3.3)')

// As names or, as IdentityServer may store them, as numbers.
const ACCESS_TOKEN_TYPES = new Map<unknown, 'Jwt' | 'Reference'>([
  ['jwt', 'Jwt'],
  [0, 'Jwt'],
  ['reference', 'Reference'],
  [1, 'Reference'],
])

const accessTokenType = z.unknown().transform((written, context) => {
  const name = typeof written === 'string' ? written.toLowerCase() : written
  const type = ACCESS_TOKEN_TYPES.get(name)
  if (type) return type
  context.addIssue({ code: 'custom', message: 'must be Jwt or Reference' })
  return z.NEVER
})

/** How a Basic header is read (RFC 6749 §2.3.1). */
export const basicDecoding = z.enum(['strict', 'raw', 'either']).default('strict')

const LIFETIME = 'must be seconds, or a duration such as 1h; between 1s and 365d'

/** The schema of one client definition. */
export function clientSchema(references: References, defaults: ClientDefaults) {
  const seconds = z
    .union([z.int(), duration.transform((ms) => Math.ceil(ms / 1000))], { error: LIFETIME })
    .refine((value) => value >= 1 && value <= 31_536_000, LIFETIME)
  return z
    .strictObject({
      clientId: z
        .string()
        .min(1)
        .max(100)
        .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'holds control characters'),
      clientName: z.string().max(200).nullish(),
      enabled: z.boolean().default(true),
      clientSecrets: secretsSchema(references),
      requireClientSecret: z.boolean().default(true),
      allowedAuthenticationMethods: z.array(z.string()).min(1).optional(),
      allowedGrantTypes: z.array(z.string().max(100)).default(['client_credentials']),
      allowedScopes: z.array(scopeToken).default([]),
      accessTokenType: accessTokenType.default('Jwt'),
      accessTokenLifetime: seconds.default(defaults.accessTokenLifetime),
      requireDPoP: z.boolean().default(false),
      claims: z
        .array(
          z
            .looseObject({ type: z.string().min(1).max(200), value: z.string().max(2000) })
            .transform(({ type, value }) => ({ type, value })),
        )
        .max(100)
        .default([]),
      clientClaimsPrefix: z.string().max(100).nullish(),
      basicDecoding,
    })
    .transform((written) => {
      const { clientName, clientClaimsPrefix, allowedAuthenticationMethods, ...client } = written
      return {
        ...client,
        ...(clientName != null && { clientName }),
        ...(allowedAuthenticationMethods && { allowedAuthenticationMethods }),
        clientClaimsPrefix: clientClaimsPrefix ?? 'client_',
      }
    })
}
