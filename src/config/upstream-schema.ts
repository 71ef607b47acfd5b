import { z } from 'zod'

import { timeLimit } from './fields.ts'
import type { References } from './fields.ts'
import { isHttpUrl } from './http-url.ts'
import { pemFile } from './pem-file.ts'
import { ownLimitsSchema } from './upstream-limits-schema.ts'

const target = z
  .string()
  .refine(
    (text) => isHttpUrl(text, false) || /^unix:\/[^\s\0]+$/.test(text),
    'must be a URL such as http://host:8080, without user, path, query or fragment, or unix:/path',
  )

/** One API behind us: its URL, or all there is to say of it. */
export function upstreamSchema(references: References) {
  const pem = pemFile(references)
  const upstream = z.strictObject({
    targets: z
      .array(target)
      .min(1)
      .max(256)
      .describe('Where it can be reached; each request goes to the one that is least busy.'),
    protocol: z
      .enum(['http1', 'h2'])
      .default('http1')
      .describe('`h2`: HTTP/2, which gRPC needs; without TLS by prior knowledge.'),
    tls: z
      .strictObject({
        ca: pem.optional().describe('PEM: who may vouch for it; absent: those that Node knows.'),
        certificate: pem.optional().describe('PEM: our own certificate and its chain.'),
        key: pem.optional().describe('PEM: the key of that.'),
        serverName: z
          .string()
          .regex(/^[A-Za-z0-9_]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/, 'is not a host name')
          .optional()
          .describe('The name its certificate has to have; absent: that of the target.'),
      })
      .optional()
      .describe('For `https:`. Its certificate is always verified.'),
    limits: ownLimitsSchema,
    health: z
      .strictObject({
        path: z
          .string()
          .regex(/^\/[!-~]*$/, 'is not a path such as /healthz')
          .describe('Asked by GET; any answer but 2xx is a bad one.'),
        interval: timeLimit.prefault('10s').describe('Between two checks, give or take 10 %.'),
        timeout: timeLimit.prefault('2s').describe('For an answer.'),
        healthy: z.int().min(1).max(100).default(2).describe('Good answers until it is back.'),
        unhealthy: z.int().min(1).max(100).default(3).describe('Bad answers until it is out.'),
      })
      .optional()
      .describe('Active checks of each target; absent: none.'),
    ejection: z
      .strictObject({
        failures: z.int().min(1).max(1000).default(5).describe('In a row.'),
        period: timeLimit.prefault('10s').describe('The first time; then twice as long.'),
        maxPeriod: timeLimit.prefault('5m').describe('But never longer than this.'),
      })
      .prefault({})
      .describe('A target that keeps failing is left out for a while, unless all are out.'),
    retries: z
      .int()
      .min(0)
      .max(5)
      .default(1)
      .describe('How often a request is sent once more where that is safe.'),
  })
  return z.union([target.transform((text) => upstream.parse({ targets: [text] })), upstream], {
    error: 'must be a URL such as http://host:8080, unix:/path, or a mapping with targets',
  })
}

/** Further APIs, by the name that a route says. */
export function upstreamsSchema(references: References) {
  const name = z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,62}$/, 'is not a name such as orders')
    .refine((text) => text !== 'default', 'is the name of the one that `upstream` says')
  return z.record(name, upstreamSchema(references))
}

/** One API behind us, checked and completed. */
export type UpstreamSettings = z.infer<ReturnType<typeof upstreamSchema>>
