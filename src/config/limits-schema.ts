import { z } from 'zod'

import { byteSize, timeLimit } from './fields.ts'

/** What one process takes on at a time. */
export const limitsSchema = z
  .strictObject({
    maxBody: byteSize
      .prefault('1GiB')
      .describe('Bytes of a request body for the API, where its route says nothing else.'),
    concurrentRequests: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(2000)
      .describe('Requests under way at one time, in each process; more get 503.'),
    concurrentRequestsPerSource: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(1000)
      .describe('Those of one address, or of one network of 64 bits with IPv6; more get 503.'),
    maxEventLoopDelay: timeLimit
      .prefault('500ms')
      .describe('How late a process may be, again and again, before new requests get 503.'),
  })
  .prefault({})
  .describe('What is refused before it can do harm.')
