import { z } from 'zod'

import { duration, textOrReference } from '../config/fields.ts'
import type { References } from '../config/fields.ts'
import { secretType } from './identityserver-names.ts'

/** What the definitions leave open. */
export interface ClientDefaults {
  /** Seconds. */
  readonly accessTokenLifetime: number
}

// RFC 6749 §3.3.
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,300}$/

const scopes = z.array(z.string().regex(SCOPE, 'is not a scope token (RFC 6749 §3.3)'))

const ACCESS_TOKEN_TYPES: Readonly<Record<string, 'Jwt' | 'Reference'>> = {
  jwt: 'Jwt',
  '0': 'Jwt',
  reference: 'Reference',
  '1': 'Reference',
}

const accessTokenType = z.union([z.string(), z.int()]).transform((written, context) => {
  const type = ACCESS_TOKEN_TYPES[String(written).toLowerCase()]
  if (type) return type
  context.addIssue({ code: 'custom', message: 'is neither Jwt nor Reference' })
  return z.NEVER
})

const expiration = z.string().transform((text, context) => {
  // As IdentityServer reads it: a time without a zone is UTC.
  const zoned = /(Z|[+-]\d\d:?\d\d)$/i.test(text) || !text.includes('T') ? text : `${text}Z`
  const date = new Date(zoned)
  if (!Number.isNaN(date.getTime()) && /^\d{4}-\d\d-\d\d/.test(text)) return date
  context.addIssue({
    code: 'custom',
    message: 'is not a date; write 2027-01-01 or 2027-01-01T12:00Z',
  })
  return z.NEVER
})

/** The schema of one client definition; anything a secret has beyond the common properties is kept for its validator. */
export function clientSchema(references: References, defaults: ClientDefaults) {
  const secret = z
    .looseObject({
      type: z.string().default('SharedSecret').transform(secretType),
      value: textOrReference(references),
      description: z.string().max(2000).nullish(),
      expiration: expiration.nullish(),
    })
    .transform(({ type, value, description, expiration: until, ...properties }) => ({
      type,
      value,
      ...(description != null && { description }),
      ...(until != null && { expiration: until }),
      properties,
    }))
  const seconds = z.union([z.int().min(1), duration.transform((ms) => Math.ceil(ms / 1000))])
  return z
    .strictObject({
      clientId: z
        .string()
        .min(1)
        .max(100)
        .regex(/^[^\p{Cc}\p{Cs}]+$/u, 'holds control characters'),
      clientName: z.string().max(200).nullish(),
      enabled: z.boolean().default(true),
      clientSecrets: z.array(secret).max(100).default([]),
      requireClientSecret: z.boolean().default(true),
      allowedAuthenticationMethods: z.array(z.string()).min(1).optional(),
      allowedGrantTypes: z.array(z.string().max(100)).default(['client_credentials']),
      allowedScopes: scopes.default([]),
      accessTokenType: accessTokenType.default('Jwt'),
      accessTokenLifetime: seconds
        .refine((value) => value <= 31_536_000, 'is longer than a year')
        .default(defaults.accessTokenLifetime),
      claims: z
        .array(
          z
            .looseObject({ type: z.string().min(1).max(200), value: z.string().max(2000) })
            .transform(({ type, value }) => ({ type, value })),
        )
        .max(100)
        .default([]),
      clientClaimsPrefix: z.string().max(100).nullish(),
      basicDecoding: z.enum(['strict', 'raw', 'either']).default('strict'),
    })
    .transform(({ clientName, clientClaimsPrefix, allowedAuthenticationMethods, ...rest }) => ({
      ...rest,
      ...(clientName != null && { clientName }),
      ...(allowedAuthenticationMethods && { allowedAuthenticationMethods }),
      clientClaimsPrefix: clientClaimsPrefix ?? 'client_',
    }))
}
