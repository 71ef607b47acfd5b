import { z } from 'zod'

import { duration, secretReference, timeLimit } from './fields.ts'
import type { References } from './fields.ts'
import { pemFile } from './pem-file.ts'

const HTTPS_URL = /^https?:\/\/[^/?#@\\\s]+(\/[^?#\\\s]*)?$/i

/** `http` is judged elsewhere: it depends on `insecure`. */
const url = z
  .string()
  .refine(
    (text) => HTTPS_URL.test(text) && URL.canParse(text),
    'must be a URL such as https://login.example, without user, query or fragment',
  )

export const ISSUER_ALGORITHMS = [
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512',
  'EdDSA',
  'Ed25519',
] as const

/** Another authorization server whose tokens are accepted. */
function issuerSchema(references: References) {
  const pem = pemFile(references)
  const claim = z.string().min(1).max(100)
  return z
    .strictObject({
      issuer: url.describe('As it stands in `iss` and in the discovery document, byte for byte.'),
      jwks: z
        .strictObject({
          url: url.optional().describe('Absent: found by discovery.'),
          maxAge: duration.prefault('10m').describe('The keys are fetched anew after this.'),
          maxStale: duration
            .prefault('1h')
            .describe('How much longer they count while they cannot be fetched.'),
          minInterval: timeLimit
            .prefault('30s')
            .describe('An unknown key id makes us fetch them again, at most this often.'),
        })
        .optional()
        .describe('Its JWTs are checked here, with its public keys.'),
      introspection: z
        .strictObject({
          url: url.optional().describe('Absent: found by discovery.'),
          clientId: z.string().min(1).describe('Who we are there.'),
          method: z
            .enum([
              'client_secret_basic',
              'client_secret_post',
              'private_key_jwt',
              'tls_client_auth',
            ])
            .default('client_secret_basic')
            .describe('How we prove it.'),
          secret: secretReference(references)
            .optional()
            .describe('For the two methods with a secret.'),
          certificate: pem.optional().describe('PEM: our certificate, for tls_client_auth.'),
          key: pem.optional().describe('PEM: its private key, or that of private_key_jwt.'),
          keyId: z.string().min(1).optional().describe('`kid` of our assertions.'),
          algorithm: z.enum(ISSUER_ALGORITHMS).optional().describe('Absent: what the key is for.'),
          opaqueTokens: z
            .boolean()
            .default(false)
            .describe('It is also asked about tokens that do not say whose they are.'),
        })
        .optional()
        .describe('It is asked about each token (RFC 7662); answers are remembered.'),
      audience: z
        .array(z.string().min(1))
        .min(1)
        .optional()
        .describe('One of these has to be in `aud` of its tokens. Needed with jwks.'),
      algorithms: z
        .array(z.enum(ISSUER_ALGORITHMS))
        .min(1)
        .default(['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA', 'Ed25519'])
        .describe('Signatures that count.'),
      types: z
        .array(z.enum(['at+jwt', 'JWT']))
        .min(1)
        .default(['at+jwt'])
        .describe(
          '`typ` of its access tokens. With JWT its id tokens look alike: mind the audience.',
        ),
      clockSkew: duration
        .refine((ms) => ms <= 600_000, 'must be at most 10m')
        .prefault('60s')
        .describe('How far its clock may be off.'),
      clientIdClaim: claim
        .default('client_id')
        .describe('Names the client in its tokens and answers.'),
      scopeClaim: claim.default('scope').describe('Holds the scopes, as a text or a list.'),
      clients: z
        .record(z.string().min(1).max(200), z.string().min(1).max(200))
        .default({})
        .describe('Its client ids and the registered clients that they are here.'),
      clientPrefix: z
        .string()
        .regex(/^[\x21-\x7e]{1,50}$/, 'must be 1 to 50 visible ASCII characters')
        .optional()
        .describe(
          'Its other clients are let in under their names with this before. Absent: they are not.',
        ),
      scopes: z
        .array(z.string().min(1))
        .optional()
        .describe('Only these of its scopes count here. Absent: all.'),
      ca: pem.optional().describe('PEM: the authorities that may vouch for its servers.'),
      hosts: z
        .array(z.string().min(1))
        .default([])
        .describe('Hosts, with port when it is not 443, that discovery may name beside its own.'),
      timeout: timeLimit.prefault('2s').describe('For one answer of its servers, all in all.'),
      insecure: z.boolean().default(false).describe('Plain http, on this machine only. For tests.'),
    })
    .superRefine((given, context) => {
      for (const { path, message } of issuerFaults(given)) {
        context.addIssue({ code: 'custom', path: [...path], message })
      }
    })
}

type Given = {
  readonly issuer: string
  readonly jwks?: { readonly url?: string | undefined } | undefined
  readonly introspection?:
    | {
        readonly url?: string | undefined
        readonly method: string
        readonly secret?: string | undefined
        readonly certificate?: string | undefined
        readonly key?: string | undefined
      }
    | undefined
  readonly audience?: readonly string[] | undefined
  readonly clients: Readonly<Record<string, string>>
  readonly clientPrefix?: string | undefined
  readonly insecure: boolean
}

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]'])

const NEEDS: Readonly<Record<string, readonly ('secret' | 'certificate' | 'key')[]>> = {
  client_secret_basic: ['secret'],
  client_secret_post: ['secret'],
  private_key_jwt: ['key'],
  tls_client_auth: ['certificate', 'key'],
}

/** What the parts of an issuer's definition say against each other. */
function* issuerFaults(given: Given) {
  const { jwks, introspection, audience, clients, clientPrefix, insecure } = given
  if ((jwks === undefined) === (introspection === undefined)) {
    yield { path: [], message: 'needs either jwks or introspection' }
  }
  if (jwks && !audience) {
    yield { path: ['audience'], message: 'is needed: else tokens for other APIs would count here' }
  }
  if (Object.keys(clients).length === 0 && clientPrefix === undefined) {
    yield { path: [], message: 'needs clients or clientPrefix: else nobody is let in' }
  }
  for (const need of introspection ? (NEEDS[introspection.method] ?? []) : []) {
    if (introspection?.[need] !== undefined) continue
    yield { path: ['introspection', need], message: `is needed for ${introspection?.method}` }
  }
  const urls = [
    [['issuer'], given.issuer],
    [['jwks', 'url'], jwks?.url],
    [['introspection', 'url'], introspection?.url],
  ] as const
  for (const [path, text] of urls) {
    if (text === undefined || !URL.canParse(text)) continue
    const { protocol, hostname } = new URL(text)
    if (protocol === 'https:' || (insecure && LOOPBACK.has(hostname))) continue
    yield { path, message: 'must be https; insecure: true allows http on this machine only' }
  }
}

/** The list of other issuers, no two of one name. */
export function issuersSchema(references: References) {
  return z
    .array(issuerSchema(references))
    .default([])
    .superRefine((issuers, context) => {
      for (const [index, { issuer }] of issuers.entries()) {
        if (issuers.findIndex((one) => one.issuer === issuer) === index) continue
        context.addIssue({ code: 'custom', path: [index, 'issuer'], message: 'stands here twice' })
      }
    })
    .describe('Other authorization servers whose access tokens are accepted.')
}

export type IssuerSettings = z.infer<ReturnType<typeof issuerSchema>>
