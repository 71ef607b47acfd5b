import { z } from 'zod'

import { timeLimit } from './fields.ts'

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,40}(\/[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,40})?$/

/** What they carry is requests, which nobody would judge. */
const REQUESTS = /^(h2c|h2|h3|http|tls)(\/.*)?$/

const protocol = z
  .string()
  .regex(TOKEN, 'is not the name of a protocol such as websocket')
  .transform((text) => text.toLowerCase())
  .refine((text) => !REQUESTS.test(text), 'carries requests, which nobody would judge')

/** Connections that become something else than HTTP. */
export const upgradesSchema = z
  .strictObject({
    protocols: z
      .array(protocol)
      .prefault(['websocket'])
      .describe('Which an upgrade may be to; a request for any other is an ordinary one.'),
    closeAtExpiry: z
      .boolean()
      .default(true)
      .describe('End the connection when the access token that it was opened with expires.'),
    closeAtRevocation: z
      .boolean()
      .default(true)
      .describe('End it when the token is revoked or its client may no longer do this.'),
    recheck: timeLimit
      .prefault('30s')
      .describe('How often that is asked when no revocation and no reload gives occasion to.'),
    maxConnections: z
      .int()
      .min(1)
      .max(1_000_000)
      .default(4096)
      .describe('At one time, in each process; more are answered 503.'),
    handshakeTimeout: timeLimit.prefault('10s').describe('Until the upstream has agreed.'),
    idleTimeout: timeLimit
      .prefault('10m')
      .describe('Without a byte either way. Longer than the time between two pings.'),
  })
  .prefault({})
  .describe('WebSocket, and other protocols that a connection may change to.')
