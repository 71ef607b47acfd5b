import { z } from 'zod'

import { dpopSchema } from './dpop-schema.ts'
import { byteSize, duration, filePath, secretReference, timeLimit } from './fields.ts'
import type { References } from './fields.ts'
import { introspectionSchema } from './introspection-schema.ts'
import { issuersSchema } from './issuers-schema.ts'
import { trustSchema } from './trust-schema.ts'
import { verifySchema } from './verify-schema.ts'

const port = z.int().min(0).max(65_535)

const HTTP_URL = /^https?:\/\/[^/?#@\\\s]+(?<path>\/[^?#\\\s]*)?$/i

/** @param allowsPath beyond a bare `/` */
const httpUrl = (allowsPath: boolean) =>
  z.string().refine(
    (text) => {
      const path = HTTP_URL.exec(text)?.groups?.['path'] ?? '/'
      return HTTP_URL.test(text) && URL.canParse(text) && (allowsPath || path === '/')
    },
    `must be a URL such as https://host:8443, without user, ${allowsPath ? '' : 'path, '}query or fragment`,
  )

const route = z
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
    listen: z
      .strictObject({
        host: z.string().min(1).default('0.0.0.0').describe('The address to listen on.'),
        port: port.default(8443).describe('The port to listen on; 0 takes any that is free.'),
        certificate: file.describe('PEM: our certificate and its intermediates.'),
        key: file.describe('PEM: the private key of the certificate.'),
        clientCertificates: z
          .enum(['none', 'optional', 'required'])
          .default('optional')
          .describe('Whether the TLS handshake asks for a client certificate.'),
        handshakeTimeout: timeLimit.prefault('10s').describe('For the TLS handshake.'),
        headersTimeout: timeLimit.prefault('15s').describe('For a request head to arrive whole.'),
        idleTimeout: timeLimit
          .prefault('2m')
          .describe(
            'Without a byte either way. Longer than the upstream may take to answer, or its callers are cut off first.',
          ),
        keepAliveTimeout: timeLimit.prefault('65s').describe('Between two requests.'),
        maxHeaderSize: byteSize
          .refine((bytes) => bytes >= 1024 && bytes <= 1024 * 1024, 'must be between 1KiB and 1MiB')
          .prefault('16KiB')
          .describe('Bytes of a request head.'),
        maxHeaders: z.int().min(10).max(1000).default(100).describe('Header lines of a request.'),
        maxConnections: z.int().min(1).max(1_000_000).default(10_000).describe('At one time.'),
        drainTimeout: timeLimit.prefault('25s').describe('For requests under way when we stop.'),
      })
      .describe('The TLS listener.'),
    operations: z
      .strictObject({
        host: z.string().min(1).default('0.0.0.0').describe('The address to listen on.'),
        port: port.default(9090).describe('The port to listen on; 0 takes any that is free.'),
      })
      .prefault({})
      .describe('Plain HTTP for kubelet and Prometheus: /livez /readyz /metrics.'),
    upstream: httpUrl(false).describe('The API behind us.'),
    upstreamLimits: z
      .strictObject({
        connections: z.int().min(1).max(10_000).default(128).describe('At one time.'),
        connectTimeout: timeLimit.prefault('5s').describe('Until the connection stands.'),
        headersTimeout: timeLimit.prefault('60s').describe('Until the answer begins.'),
        idleTimeout: timeLimit.prefault('60s').describe('Between two pieces of a body.'),
      })
      .prefault({})
      .describe('How much the API behind us is asked to bear, and how long we wait for it.'),
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
      .describe('How rules compare paths; what is forwarded is never changed.'),
    routes: z.array(route).default([]).describe('Without a rule a path needs a proven client.'),
    tokens: z
      .strictObject({
        lifetime: duration
          .refine((ms) => ms >= 1000 && ms <= 365 * 86_400_000, 'must be between 1s and 365d')
          .prefault('1h')
          .describe('Of an access token, unless the client says.'),
        algorithm: z
          .enum(['ES256', 'RS256', 'PS256'])
          .optional()
          .describe(
            'Of the signature of access tokens: ES256, with compatibility: identityserver4 RS256.',
          ),
        keys: z
          .array(file)
          .min(1)
          .optional()
          .describe(
            'Private keys, PEM or JWK: the first signs, the others only vouch for tokens before. Absent: keys are made, kept in the state store and rotated.',
          ),
        rotation: z
          .strictObject({
            interval: duration.prefault('90d').describe('A key signs for so long.'),
            propagation: duration
              .prefault('14d')
              .describe('A key is published for so long before it signs.'),
            retention: duration
              .prefault('14d')
              .describe('A key is published for so long after it signed last.'),
          })
          .refine(({ interval, propagation }) => interval > propagation, {
            path: ['interval'],
            message: 'must be longer than propagation',
          })
          .prefault({}),
        audience: z
          .array(z.string().min(1))
          .optional()
          .describe('A token counts on the API only when its `aud` has one of these.'),
        encryptionKey: secretReference(references)
          .refine((text) => text.length >= 32, 'is shorter than 32 characters')
          .optional()
          .describe(
            'Encrypts the signing keys in the state store; any text of 32 or more characters.',
          ),
      })
      .prefault({}),
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
