import { z } from 'zod'

/** One rule of `routes`. */
export const routeSchema = z
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
  })
  .refine((rule) => rule.public !== true || rule.scopes === undefined, {
    message: 'a public route cannot demand scopes',
  })
