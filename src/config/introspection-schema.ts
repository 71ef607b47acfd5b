import { z } from 'zod'

import { byteSize, duration } from './fields.ts'

const HOUR = 3_600_000

/** What is remembered of introspection. */
export const introspectionSchema = z
  .strictObject({
    cache: z
      .strictObject({
        size: byteSize
          .refine((bytes) => bytes >= 64 * 1024, 'must be at least 64KiB')
          .prefault('64MiB')
          .describe('The memory that answers may take, all in all.'),
        maxAge: duration
          .refine((ms) => ms <= HOUR / 2, 'must be at most 30m')
          .prefault('5m')
          .describe(
            'The longest that a token counts without being looked at anew. A revocation at another issuer is noticed after this; one of ours at once. 0s remembers nothing.',
          ),
        withoutExpiry: duration
          .refine((ms) => ms <= 300_000, 'must be at most 5m')
          .prefault('10s')
          .describe('The same for tokens that do not say when they end.'),
        maxStale: duration
          .refine((ms) => ms <= HOUR / 2, 'must be at most 30m')
          .prefault('1m')
          .describe(
            'How much longer a known token counts while its issuer or the state store is out of reach. Never past its end.',
          ),
        inactiveAge: duration
          .refine((ms) => ms <= 60_000, 'must be at most 1m')
          .prefault('10s')
          .describe('How long it is remembered that a token does not count.'),
      })
      .prefault({})
      .describe('What is remembered of tokens, ours and of other issuers.'),
  })
  .prefault({})
