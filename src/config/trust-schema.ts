import { z } from 'zod'

import { byteSize, duration, timeLimit } from './fields.ts'

const DAY = 86_400_000

const host = z
  .string()
  .toLowerCase()
  .regex(
    /^(\[[\da-f:.]+\]|[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?)(:\d{1,5})?$/,
    'is not host or host:port',
  )

const fetch = z
  .strictObject({
    hosts: z
      .array(host)
      .min(1)
      .describe(
        'Hosts that may be asked, as `host` or `host:port`; a certificate names others in vain.',
      ),
    crl: z.boolean().default(true).describe('Get CRLs from distribution points.'),
    ocsp: z.boolean().default(true).describe('Ask OCSP responders.'),
    timeout: timeLimit.prefault('5s').describe('For one answer.'),
    maxBytes: byteSize
      .refine((bytes) => bytes >= 1024 && bytes <= 64 * 2 ** 20, 'must be between 1KiB and 64MiB')
      .prefault('10MiB')
      .describe('Of a CRL.'),
    maxAge: duration
      .refine((ms) => ms >= 1000 && ms <= 30 * DAY, 'must be between 1s and 30d')
      .prefault('1h')
      .describe('What was fetched is fetched again after this time at the latest.'),
  })
  .describe('Fetch CRLs and OCSP answers, once a path is trusted; absent: nothing is fetched.')

/** The settings of trust. @param file reads a path */
export function trustSchema<T extends z.ZodType<string, string>>(file: T) {
  const revocation = z
    .strictObject({
      mode: z
        .enum(['off', 'leaf', 'chain'])
        .describe(
          'Whose revocation is looked at: nobody’s, the client’s, or its authorities’ too.',
        ),
      policy: z
        .enum(['hard', 'soft'])
        .default('hard')
        .describe('`soft` accepts a certificate of which nothing is known.'),
      grace: duration
        .refine((ms) => ms <= 30 * DAY, 'must be at most 30d')
        .prefault('0s')
        .describe('How long a CRL or an OCSP answer counts beyond its nextUpdate.'),
      crls: z.array(file).default([]).describe('Files of CRLs, PEM or DER, watched.'),
      fetch: fetch.optional(),
    })
    .optional()
    .describe('How revocation of certificates counts; absent: it is not looked at.')
  const anchors = z.array(file)
  const set = z.strictObject({
    anchors: anchors.min(1).describe('PEM files: the authorities of this set.'),
    revocation,
  })
  return z.strictObject({
    anchors: anchors
      .default([])
      .describe(
        'PEM files: the authorities that may vouch for names, where a secret names no set.',
      ),
    revocation,
    sets: z
      .record(
        z
          .string()
          .regex(
            /^[a-z0-9][a-z0-9._-]{0,62}$/i,
            'is not a name of letters, digits, dots and dashes',
          )
          .refine((name) => name !== 'default', 'is the name of `trust.anchors` itself'),
        set,
      )
      .default({})
      .describe(
        'More sets of authorities, by name; a secret says `anchors: NAME` to be bound to one.',
      ),
  })
}
