import { z } from 'zod'

import { timeLimit } from './fields.ts'

const connections = z
  .int()
  .min(1)
  .max(10_000)
  .describe('To one target at one time. Over `h2` each carries up to 100 requests.')
const waiting = z
  .int()
  .min(0)
  .max(100_000)
  .describe('Requests that may wait for a connection to a target; one more is answered 503.')
const connectTimeout = timeLimit.describe('Until the connection stands.')
const headersTimeout = timeLimit.describe('Until the answer begins.')
const idleTimeout = timeLimit.describe('Between two pieces of a body.')
const totalTimeout = timeLimit
  .optional()
  .describe('Until the answer has ended; absent: as long as it likes.')

/** What is asked of an upstream, at most. */
export const upstreamLimitsSchema = z
  .strictObject({
    connections: connections.default(128),
    waiting: waiting.default(1024),
    connectTimeout: connectTimeout.prefault('5s'),
    headersTimeout: headersTimeout.prefault('60s'),
    idleTimeout: idleTimeout.prefault('60s'),
    totalTimeout,
  })
  .prefault({})
  .describe('How much the APIs behind us are asked to bear, and how long we wait for them.')

/** The same of one upstream, where it differs. */
export const ownLimitsSchema = z
  .strictObject({
    connections: connections.optional(),
    waiting: waiting.optional(),
    connectTimeout: connectTimeout.optional(),
    headersTimeout: headersTimeout.optional(),
    idleTimeout: idleTimeout.optional(),
    totalTimeout,
  })
  .default({})
  .describe('What differs from `upstreamLimits`.')
