import { z } from 'zod'

import { PROOF_ALGORITHMS } from '../dpop/proof-algorithms.ts'
import { duration } from './fields.ts'

/** Not nothing, and not so long that what was used up has to be remembered for ever. */
const shortTime = duration.refine(
  (milliseconds) => milliseconds >= 1000 && milliseconds <= 3_600_000,
  'must be between 1s and 1h',
)

/** Proofs of possession (RFC 9449). @param origin a URL without a path */
export function dpopSchema(origin: z.ZodType<string, string>) {
  return z.strictObject({
    proofLifetime: shortTime
      .prefault('60s')
      .describe('How far the time in a proof may be from ours, either way.'),
    nonce: z
      .enum(['off', 'required'])
      .default('off')
      .describe('Whether a proof needs a nonce of ours, so that it cannot be made in advance.'),
    nonceLifetime: shortTime.prefault('5m').describe('A nonce counts for so long.'),
    algorithms: z
      .array(z.enum(PROOF_ALGORITHMS))
      .min(1)
      .default([...PROOF_ALGORITHMS])
      .describe('The JWS algorithms that proofs may be signed with.'),
    origins: z
      .array(origin)
      .default([])
      .describe('Beside the origin of the issuer: `https://api.example` where clients call it so.'),
  })
}

export type DpopSettings = z.infer<ReturnType<typeof dpopSchema>>
