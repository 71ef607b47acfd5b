import { z } from 'zod'

/** HTTP/2 on the TLS listener. */
export const http2Schema = z
  .strictObject({
    enabled: z
      .boolean()
      .default(true)
      .describe('Whether HTTP/2 is offered beside HTTP/1.1 (ALPN); the client chooses.'),
    maxConcurrentStreams: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe('Requests under way on one connection at one time; more are turned back unread.'),
  })
  .prefault({})
  .describe('HTTP/2 from clients.')
