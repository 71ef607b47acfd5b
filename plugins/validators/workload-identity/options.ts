import { z } from 'zod'

import { ALGORITHM_NAMES } from '../private-key-jwt/algorithms.ts'
import { duration } from '../private-key-jwt/options.ts'

const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/
const file = z.string().min(1)

const httpsUrl = z
  .string()
  .refine((text) => /^https:\/\/[^@#]+$/i.test(text) && URL.canParse(text), 'is no https URL')

const jwks = z
  .strictObject({
    /** A JWK Set or SPIFFE bundle; read again when it has changed. */
    file: file.optional(),
    /** Where it is fetched: never what a token says. */
    uri: httpsUrl.optional(),
    /** PEM file of the authorities of that server; absent: the public ones. */
    ca: file.optional(),
    /** File with a token for that server: Kubernetes gives its keys to those only that it knows. */
    tokenFile: file.optional(),
  })
  .refine(({ file: path, uri }) => (path === undefined) !== (uri === undefined), {
    message: 'needs either file or uri',
  })
  .refine(({ uri, ca, tokenFile }) => uri !== undefined || (ca ?? tokenFile) === undefined, {
    message: 'ca and tokenFile go with uri',
  })

const issuer = z
  .strictObject({
    /** The `iss` of a cluster's service-account tokens. */
    issuer: httpsUrl.optional(),
    /** Of JWT-SVIDs: `example.org`. */
    trustDomain: z
      .string()
      .regex(TRUST_DOMAIN, 'is no trust domain such as example.org')
      .optional(),
    jwks,
    /** What tokens must be for, and for nobody else. */
    audience: z.string().min(1).max(2048),
    /** From `iat` to `exp`, and from now. */
    maxLifetime: duration.prefault('1h'),
  })
  .refine((one) => (one.issuer === undefined) !== (one.trustDomain === undefined), {
    message: 'needs either issuer or trustDomain',
  })

export const options = z
  .strictObject({
    /** Who may say which workload a client is. Nobody: nothing is accepted. */
    issuers: z
      .array(issuer)
      .max(50)
      .default([])
      .refine(
        (all) => new Set(all.map((one) => one.issuer ?? one.trustDomain)).size === all.length,
        'names one issuer twice',
      ),
    algorithms: z
      .array(z.enum(ALGORITHM_NAMES))
      .min(1)
      .default(ALGORITHM_NAMES.filter((name) => /^(RS|PS|ES)/.test(name))),
    clockSkew: duration.prefault('60s'),
  })
  .prefault({})

export type Options = z.infer<typeof options>
export type IssuerOptions = Options['issuers'][number]
