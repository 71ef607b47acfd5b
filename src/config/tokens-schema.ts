import { z } from 'zod'

import { duration, secretReference } from './fields.ts'
import type { References } from './fields.ts'

/** The tokens that we issue; `file` makes a path absolute. */
export function tokensSchema(references: References, file: z.ZodType<string, string>) {
  return z
    .strictObject({
      lifetime: duration
        .refine((ms) => ms >= 1000 && ms <= 365 * 86_400_000, 'must be between 1s and 365d')
        .prefault('1h')
        .describe('Of an access token, unless the client says.'),
      algorithm: z
        .enum(['ES256', 'RS256', 'PS256'])
        .optional()
        .describe(
          'Of the signature of access tokens: ES256, with compatibility: identityserver4 RS256.',
        ),
      keys: z
        .array(file)
        .min(1)
        .optional()
        .describe(
          'Private keys, PEM or JWK: the first signs, the others only vouch for tokens before. Absent: keys are made, kept in the state store and rotated.',
        ),
      rotation: z
        .strictObject({
          interval: duration.prefault('90d').describe('A key signs for so long.'),
          propagation: duration
            .prefault('14d')
            .describe('A key is published for so long before it signs.'),
          retention: duration
            .prefault('14d')
            .describe('A key is published for so long after it signed last.'),
        })
        .refine(({ interval, propagation }) => interval > propagation, {
          path: ['interval'],
          message: 'must be longer than propagation',
        })
        .prefault({}),
      audience: z
        .array(z.string().min(1))
        .optional()
        .describe('A token counts on the API only when its `aud` has one of these.'),
      encryptionKey: secretReference(references)
        .refine((text) => text.length >= 32, 'is shorter than 32 characters')
        .optional()
        .describe(
          'Encrypts the signing keys in the state store; any text of 32 or more characters.',
        ),
    })
    .prefault({})
}
