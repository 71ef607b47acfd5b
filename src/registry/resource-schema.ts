import { z } from 'zod'

import type { References } from '../config/fields.ts'
import { basicDecoding, scopeToken } from './client-schema.ts'
import { secretsSchema } from './secret-schema.ts'

// RFC 8707 §2: an absolute URI without a fragment.
const resourceUri = z
  .string()
  .max(512)
  .refine((text) => URL.canParse(text) && !text.includes('#'), {
    message: 'is not an absolute URI without a fragment (RFC 8707 §2)',
  })

/** The schema of one API resource. */
export function resourceSchema(references: References) {
  return z
    .strictObject({
      name: z
        .string()
        .min(1)
        .max(200)
        .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'holds control characters'),
      uri: resourceUri.nullish(),
      enabled: z.boolean().default(true),
      apiSecrets: secretsSchema(references),
      basicDecoding,
      scopes: z
        .array(
          z.union([scopeToken, z.object({ name: scopeToken }).transform((scope) => scope.name)], {
            error: 'must be a scope, or a mapping with its name',
          }),
        )
        .default([]),
    })
    .transform(({ name, uri, enabled, apiSecrets, basicDecoding: decoding, scopes }) => ({
      name,
      ...(uri != null && { uri }),
      enabled,
      apiSecrets,
      basicDecoding: decoding,
      scopes,
    }))
}
