import { z } from 'zod'

import { sourcedText } from '../config/fields.ts'
import type { References } from '../config/fields.ts'
import { secretType } from './identityserver-names.ts'
import { readExpiration } from './read-expiration.ts'

const expiration = z.string().transform((text, context) => {
  const date = readExpiration(text)
  if (date) return date
  context.addIssue({
    code: 'custom',
    message: 'is not a date; write 2027-01-01 or 2027-01-01T12:00Z',
  })
  return z.NEVER
})

/** The secrets of a client or of an API resource; what one has beyond the common properties is kept for its validator. */
export function secretsSchema(references: References) {
  const secret = z
    .looseObject({
      type: z.string().default('SharedSecret').transform(secretType),
      value: sourcedText(references),
      description: z.string().max(2000).nullish(),
      expiration: expiration.nullish(),
    })
    .transform(({ type, value, description, expiration: until, ...properties }) => ({
      type,
      value: value.text,
      ...(value.referenced && { referenced: true as const }),
      ...(description != null && { description }),
      ...(until != null && { expiration: until }),
      properties,
    }))
  return z.array(secret).max(100).default([])
}
