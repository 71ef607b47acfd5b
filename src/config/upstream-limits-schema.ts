import { z } from 'zod'

import { timeLimit } from './fields.ts'

/** What is asked of an upstream, at most. */
export const upstreamLimitsSchema = z
  .strictObject({
    connections: z.int().min(1).max(10_000).default(128).describe('At one time.'),
    connectTimeout: timeLimit.prefault('5s').describe('Until the connection stands.'),
    headersTimeout: timeLimit.prefault('60s').describe('Until the answer begins.'),
    idleTimeout: timeLimit.prefault('60s').describe('Between two pieces of a body.'),
  })
  .prefault({})
  .describe('How much the API behind us is asked to bear, and how long we wait for it.')
