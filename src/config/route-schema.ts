import { z } from 'zod'

import { byteSize, sourcedText } from './fields.ts'
import type { References } from './fields.ts'

/** One rule of `routes`; a header's value may be a reference, which starts at the file. */
export function routeSchema(references: References) {
  return z
    .strictObject({
      path: z.string().describe('Literal segments; `*` is one segment, `**` at the end any rest.'),
      methods: z
        .array(z.string().regex(/^[A-Z]{1,20}$/, 'is not a method name in capitals'))
        .min(1)
        .optional()
        .describe('Absent: every method. GET includes HEAD.'),
      public: z.boolean().optional().describe('No client needs to be proven.'),
      scopes: z.array(z.string().min(1)).optional().describe('All of them are needed.'),
      forwardAuthorization: z
        .boolean()
        .optional()
        .describe('Pass the Authorization header on to the upstream.'),
      upstream: z
        .string()
        .min(1)
        .optional()
        .describe('One of `upstreams`; absent: the API that `upstream` names.'),
      maxBody: byteSize.optional().describe('Bytes of a body; absent: `limits.maxBody`.'),
      rewrite: z
        .strictObject({
          stripPrefix: z
            .string()
            .optional()
            .describe('Taken off the path; whole literal segments that `path` begins with.'),
          host: z
            .string()
            .default('preserve')
            .describe(
              'Host for the upstream: `preserve` the client’s, the `upstream`’s, or a name.',
            ),
          setHeaders: z
            .record(z.string(), sourcedText(references))
            .prefault({})
            .describe('Header lines for the upstream, in the place of the client’s.'),
          removeHeaders: z
            .array(z.string())
            .default([])
            .describe('Header lines of the client that the upstream does not get.'),
        })
        .optional()
        .describe('What is changed on the way to the upstream, after the decision.'),
    })
    .refine((rule) => rule.public !== true || rule.scopes === undefined, {
      message: 'a public route cannot demand scopes',
    })
}
