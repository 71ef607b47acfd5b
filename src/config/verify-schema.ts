import { z } from 'zod'

import { DIALECTS } from '../gateway/original-request.ts'
import { checkNetwork, plainThumbprint } from '../gateway/trusted-proxies.ts'

/** An IP address or a network such as `10.0.0.0/8`. */
export const network = z.string().superRefine((text, context) => {
  const fault = checkNetwork(text)
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault })
})

const thumbprint = z
  .string()
  .refine(
    (text) => /^[0-9A-F]{64}$/.test(plainThumbprint(text)),
    'is no SHA-256 thumbprint of 64 hexadecimal digits',
  )

/** The verification endpoint for other proxies. */
export const verifySchema = z
  .strictObject({
    proxies: z
      .array(network)
      .min(1)
      .optional()
      .describe('Addresses and networks of the proxies that may ask, such as `10.0.0.0/8`.'),
    certificates: z
      .array(thumbprint)
      .min(1)
      .optional()
      .describe('SHA-256 thumbprints of the client certificates that they ask with.'),
    dialect: z
      .enum(DIALECTS)
      .describe(
        'How they say what they were asked for: `X-Original-*`, `X-Forwarded-*`, or behind the path of the endpoint.',
      ),
  })
  .refine(({ proxies, certificates }) => proxies !== undefined || certificates !== undefined, {
    message: 'names nobody who may ask; set proxies, certificates, or both (then both have to fit)',
  })
