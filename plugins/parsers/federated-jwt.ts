import type { Credential, Malformed, Parser, ParserPlugin } from '#contract'
import { z } from 'zod'

import { isFederated } from './private-key-jwt/is-federated.ts'
import { readJwt, tooLong } from './private-key-jwt/read-jwt.ts'

const options = z
  .strictObject({
    /** Characters of the whole assertion. */
    maxLength: z.int().min(256).max(262_144).default(51_200),
    /** Characters of a client id. */
    maxIdLength: z.int().min(1).max(4096).default(100),
  })
  .prefault({})

type Limits = z.infer<typeof options>

const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** draft-ietf-oauth-spiffe-client-auth. */
const JWT_SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe'

/** The longest that a SPIFFE ID may be. */
const MAX_SUBJECT = 2048

/**
 * A JWT by which a cluster or a trust domain says who the client is: a service-account token, a JWT-SVID. The client is
 * the one of the form, or whoever is registered with the subject.
 */
export default {
  contract: 1,
  options,
  setup: (limits): Parser<'federated_assertion'> => ({
    method: 'federated_jwt',
    // Which methods there are depends on the issuers that the validator trusts; it says so.
    advertises: [],
    produces: 'federated_assertion',
    parse({ form }) {
      const assertion = form.get('client_assertion') || undefined
      const assertionType = form.get('client_assertion_type')
      const spiffe = assertionType === JWT_SPIFFE
      if (!spiffe && assertionType !== JWT_BEARER) return undefined
      if (assertion === undefined) {
        return spiffe ? { malformed: 'assertion-missing', want: 'client_assertion' } : undefined
      }
      const reading = readJwt(assertion, limits.maxLength)
      // Another parser reads that type too, and says what is wrong.
      if (!spiffe && ('malformed' in reading || !isFederated(reading.claims))) return undefined
      if ('malformed' in reading) return reading
      const client = clientOf(reading.claims, form.get('client_id') || undefined, spiffe, limits)
      if ('malformed' in client) return client
      return { kind: 'federated_assertion', assertion, assertionType, ...client }
    },
  }),
} satisfies ParserPlugin<Limits>

type Named = Pick<Credential, 'claimedClientId' | 'lookupKeys'>

function clientOf(
  { iss, sub }: Readonly<Record<string, unknown>>,
  clientId: string | undefined,
  spiffe: boolean,
  { maxIdLength }: Limits,
): Named | Malformed {
  if (typeof sub !== 'string') return { malformed: 'jwt-sub', want: 'a subject' }
  if (sub.length > MAX_SUBJECT) return tooLong('jwt-sub-too-long', sub, MAX_SUBJECT)
  if (clientId !== undefined) {
    const fits = clientId.length <= maxIdLength
    return fits
      ? { claimedClientId: clientId }
      : tooLong('client-id-too-long', clientId, maxIdLength)
  }
  return { lookupKeys: [spiffe ? `spiffe-id:${sub}` : `subject:${JSON.stringify([iss, sub])}`] }
}
