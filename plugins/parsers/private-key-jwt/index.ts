import type { Credential, Malformed, Parser, ParserPlugin } from '#contract'
import { z } from 'zod'

import { isFederated } from './is-federated.ts'
import { readJwt, tooLong } from './read-jwt.ts'

const options = z
  .strictObject({
    /** Characters of the whole assertion. */
    maxLength: z.int().min(256).max(262_144).default(51_200),
    /** Characters. */
    maxIdLength: z.int().min(1).max(4096).default(100),
  })
  .prefault({})

type Limits = z.infer<typeof options>

const TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** A signed JWT as client assertion (RFC 7523 §2.2). Nothing of it is believed here: `sub` says whose keys to ask. */
export default {
  contract: 1,
  options,
  setup: (limits): Parser<'jwt_assertion'> => ({
    method: 'private_key_jwt',
    produces: 'jwt_assertion',
    parse({ form }) {
      // An empty parameter counts as absent (RFC 6749 §3.2).
      const assertion = form.get('client_assertion') || undefined
      const type = form.get('client_assertion_type') || undefined
      if (assertion === undefined)
        return type === TYPE
          ? { malformed: 'assertion-missing', want: 'client_assertion' }
          : undefined
      return type === TYPE ? readAssertion(assertion, limits) : otherType(type)
    },
  }),
} satisfies ParserPlugin<Limits>

/** Another URI is another plugin's type (RFC 7521 §4.2); the rest are known slips. */
function otherType(type: string | undefined): Malformed | undefined {
  if (type === undefined) return { malformed: 'assertion-type-missing', want: TYPE }
  const slip = /jwt[-_]?bearer$/i.test(type.slice(-100))
  if (!slip && /^[a-z][a-z\d+.-]{0,30}:/i.test(type)) return undefined
  return {
    malformed: 'assertion-type-wrong',
    got: type.slice(0, 200),
    want: TYPE,
    ...(type.includes(':grant-type:') && {
      hint: 'the client sends the name of the grant; client_assertion_type has one of its own',
    }),
  }
}

function readAssertion(
  assertion: string,
  { maxLength, maxIdLength }: Limits,
): Credential<'jwt_assertion'> | Malformed | undefined {
  const reading = readJwt(assertion, maxLength)
  if ('malformed' in reading) return reading
  if (isFederated(reading.claims)) return undefined
  const { sub } = reading.claims
  if (typeof sub !== 'string') return { kind: 'jwt_assertion', assertion, lookupKeys: [] }
  if (sub.length > maxIdLength) return tooLong('jwt-sub-too-long', sub, maxIdLength)
  return { kind: 'jwt_assertion', assertion, claimedClientId: sub }
}
