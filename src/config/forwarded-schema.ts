import { z } from 'zod'

import { network } from './verify-schema.ts'

/** What proxies before us say of the way, and how we say it. */
export const forwardedSchema = z
  .strictObject({
    proxies: z
      .array(network)
      .default([])
      .describe('Addresses and networks of the proxies before us, such as `10.0.0.0/8`.'),
    headers: z
      .enum(['x-forwarded', 'forwarded'])
      .default('x-forwarded')
      .describe('Which headers these proxies set; the others are never believed.'),
    write: z
      .enum(['x-forwarded', 'forwarded', 'both'])
      .default('x-forwarded')
      .describe('What the upstream gets: `X-Forwarded-*`, `Forwarded` (RFC 7239), or both.'),
  })
  .prefault({})
  .describe('Who called first, when proxies stand before us. Nobody is believed by default.')
