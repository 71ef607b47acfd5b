import { z } from 'zod'

import { dpopSchema } from './dpop-schema.ts'
import { duration, filePath, port, timeLimit } from './fields.ts'
import type { References } from './fields.ts'
import { forwardedSchema } from './forwarded-schema.ts'
import { httpUrl } from './http-url.ts'
import { introspectionSchema } from './introspection-schema.ts'
import { issuersSchema } from './issuers-schema.ts'
import { limitsSchema } from './limits-schema.ts'
import { listenSchema } from './listen-schema.ts'
import { routeSchema } from './route-schema.ts'
import { tokensSchema } from './tokens-schema.ts'
import { trustSchema } from './trust-schema.ts'
import { upgradesSchema } from './upgrades-schema.ts'
import { upstreamLimitsSchema } from './upstream-limits-schema.ts'
import { upstreamSchema, upstreamsSchema } from './upstream-schema.ts'
import { verifySchema } from './verify-schema.ts'
import { workersSchema } from './workers-schema.ts'

/** The strict schema of the configuration file; references in it start at the file's folder. */
export function settingsSchema(references: References) {
  const file = filePath(references)
  const used = (name: string) =>
    z.looseObject({ use: z.string().default(name).describe('The name of the plugin.') })
  const plugins = z.strictObject({
    folders: z.array(file).default([]).describe('More plugin folders, beside the built-in one.'),
    options: z
      .record(z.string(), z.unknown())
      .default({})
      .describe('Options by plugin, for example `validators/private-key-jwt`.'),
    disabled: z.array(z.string()).default([]).describe('Plugins that are not loaded.'),
    allow: z
      .record(
        z.string(),
        z.string().regex(/^sha256:[0-9a-f]{64}$/, 'is not sha256:<64 hex digits>'),
      )
      .optional()
      .describe('When present, only these plugins are loaded, and only with these contents.'),
    timeLimit: timeLimit.prefault('1s').describe('A plugin that takes longer has refused.'),
  })
  return z.strictObject({
    issuer: httpUrl(true)
      .describe('The URL that names us in tokens and discovery.')
      .transform((text) => text.replace(/\/$/, '')),
    listen: listenSchema(file),
    workers: workersSchema,
    operations: z
      .strictObject({
        host: z.string().min(1).default('0.0.0.0').describe('The address to listen on.'),
        port: port.default(9090).describe('The port to listen on; 0 takes any that is free.'),
      })
      .prefault({})
      .describe('Plain HTTP for kubelet and Prometheus: /livez /readyz /metrics.'),
    upstream: upstreamSchema(references).describe('The API behind us.'),
    upstreams: upstreamsSchema(references)
      .default({})
      .describe('Further APIs behind us, by the name that a route says.'),
    upstreamLimits: upstreamLimitsSchema,
    clients: z
      .union([file, used('files')], {
        error: 'must be a file, a folder, or { use: PLUGIN } and the options of the plugin',
      })
      .describe(
        'A file or folder of client definitions, or a client store plugin and its options.',
      ),
    resources: file.optional().describe('A file or folder with API resources: name, scopes.'),
    plugins: z
      .union([z.array(file).transform((folders) => plugins.parse({ folders })), plugins], {
        error: 'must be a list of folders, or a mapping with folders, options, disabled, allow',
      })
      .prefault({})
      .describe('Plugin folders, or all there is to say of plugins.'),
    trust: trustSchema(file).prefault({}).describe('Who may vouch for the names in certificates.'),
    paths: z
      .strictObject({
        ignoreCase: z
          .boolean()
          .default(true)
          .describe('A rule for /orders speaks of /Orders too, as many APIs take both alike.'),
        ignoreTrailingSlash: z
          .boolean()
          .default(true)
          .describe('A rule for /orders speaks of /orders/ too.'),
      })
      .prefault({})
      .describe('How rules compare paths. It changes nothing of what is forwarded.'),
    routes: z
      .array(routeSchema(references))
      .prefault([])
      .describe('Without a rule a path needs a proven client.'),
    forwarded: forwardedSchema,
    limits: limitsSchema,
    upgrades: upgradesSchema,
    tokens: tokensSchema(references, file),
    guessing: z
      .strictObject({
        threshold: z
          .int()
          .min(1)
          .max(10_000)
          .default(10)
          .describe('Wrong secrets for one client from one address that are answered at once.'),
        window: duration.prefault('10m').describe('How long a wrong secret is remembered.'),
        maxDelay: duration
          .prefault('5s')
          .describe('The longest that the refusal of a further one is kept back.'),
      })
      .prefault({})
      .describe('Slows the guessing of secrets. A right secret is never kept waiting.'),
    dpop: dpopSchema(httpUrl(false)).prefault({}).describe('Tokens bound to a key (RFC 9449).'),
    issuers: issuersSchema(references),
    introspection: introspectionSchema,
    state: used('sqlite')
      .prefault({})
      .describe('A state store plugin and its options: `{ use: sqlite, path: data/state.db }`.'),
    identity: z
      .strictObject({
        headers: z.array(z.string()).default(['generic']).describe('Identity header plugins.'),
        forwardAuthorization: z
          .boolean()
          .default(false)
          .describe('Pass the Authorization header on to the upstream, on every route.'),
      })
      .prefault({}),
    verify: verifySchema
      .optional()
      .describe('Other proxies that may ask for a decision: off when it is left out.'),
    endpoints: z
      .strictObject({
        prefix: z
          .string()
          .regex(/^(\/[A-Za-z0-9_-]+)*$/, 'is not a path prefix such as /auth')
          .optional()
          .describe('Put before every path of our own.'),
      })
      .prefault({}),
    compatibility: z
      .enum(['none', 'identityserver4'])
      .default('none')
      .describe('Whose rules apply where the RFCs and IdentityServer differ.'),
    log: z
      .strictObject({
        level: z
          .enum(['debug', 'info', 'warn', 'error', 'silent'])
          .default('info')
          .describe('The least of what is written.'),
      })
      .prefault({}),
  })
}

/** The configuration, checked and completed. */
export type Settings = z.infer<ReturnType<typeof settingsSchema>>
