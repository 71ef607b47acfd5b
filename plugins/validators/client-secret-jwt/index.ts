import { hash, randomBytes } from 'node:crypto'

import type {
  Attempt,
  Consideration,
  Refusal,
  Secret,
  Validator,
  ValidatorPlugin,
  Verdict,
} from '#contract'
import { z } from 'zod'

import { takeApart } from '../private-key-jwt/assertion.ts'
import type { Assertion } from '../private-key-jwt/assertion.ts'
import { checkClaims } from '../private-key-jwt/check-claims.ts'
import { checkHeader } from '../private-key-jwt/check-header.ts'
import { options as assertionOptions, rulesOf } from '../private-key-jwt/options.ts'
import { HMAC_NAMES, suffices, verifyMac } from './verify-mac.ts'
import type { HmacName } from './verify-mac.ts'
import { PLAIN_SECRET, plainSecretFault } from './plain-secret.ts'

declare module '#contract' {
  interface CredentialKinds {
    /** What no parser produces. */
    nothing: object
  }
}

const { audience, clockSkew, maxLifetime } = assertionOptions.unwrap().shape

const options = z
  .strictObject({
    /** The method is off unless this is true: the secret has to be kept so that it can be read. */
    enabled: z.boolean().default(false),
    audience,
    algorithms: z
      .array(z.enum(HMAC_NAMES))
      .min(1)
      .default([...HMAC_NAMES]),
    clockSkew,
    maxLifetime,
  })
  .prefault({})

type Options = z.infer<typeof options>

const OFF: Validator<'nothing'> = {
  accepts: 'nothing',
  secretTypes: [PLAIN_SECRET],
  inspect: () => ({
    fault:
      'client_secret_jwt is off; say enabled: true in the options of validators/client-secret-jwt',
  }),
  validate: () => ({ ok: false, reason: 'client-secret-jwt-off' }),
}

/** JWTs authenticated by the client with its secret (OpenID Connect Core §9, `client_secret_jwt`). */
export default {
  contract: 1,
  options,
  setup(given, { compatibility }): Validator {
    if (!given.enabled) return OFF
    const { algorithms } = given
    const asserted = { ...assertionOptions.parse({}), ...given, algorithms: [] }
    const rules = { ...rulesOf(asserted, compatibility), algorithms }
    const decoy: Secret = {
      type: PLAIN_SECRET,
      value: randomBytes(48).toString('base64'),
      referenced: true,
      properties: {},
    }
    const validator: Validator<'jwt_assertion'> = {
      accepts: 'jwt_assertion',
      secretTypes: [PLAIN_SECRET],
      advertises: ['client_secret_jwt'],
      signingAlgorithms: algorithms,
      decoys: [decoy],
      inspect(secret) {
        const fault = plainSecretFault(secret)
        return fault === undefined ? {} : { fault }
      },
      async validate(attempt: Attempt<'jwt_assertion'>): Promise<Verdict> {
        const { client, audiences, now, replay, secrets } = attempt
        const assertion = takeApart(attempt.credential.assertion)
        if (assertion === undefined) return { ok: false, ...MALFORMED }
        const explicitType = rules.audience === 'strict'
        const header = checkHeader(assertion.header, { ...rules, explicitType })
        if (!header.ok) return header

        const { secret, considered } = findSecret(assertion, header.alg, secrets)
        if (secret === undefined) return { ok: false, ...UNKNOWN, considered }
        const anyAudience = rules.audience === 'legacy' && !header.explicitlyTyped
        const claims = checkClaims(assertion.claims, {
          ...rules,
          clientId: client.clientId,
          audiences,
          audience: anyAudience ? 'any' : 'issuer',
          now,
        })
        const refuse = (refusal: Refusal): Verdict => ({
          ok: false,
          ...refusal,
          considered: [...considered, { secret, ...refusal }],
        })
        if (!claims.ok) return refuse(claims)
        const first = await replay.claim(hash('sha256', claims.jti, 'base64url'), claims.until)
        return first ? { ok: true, secret, method: 'client_secret_jwt' } : refuse(REPLAYED)
      },
    }
    return validator
  },
} satisfies ValidatorPlugin<Options>

const MALFORMED: Refusal = { reason: 'jwt-malformed', want: 'a signed JWT in compact form' }
const UNKNOWN: Refusal = { reason: 'jwt-mac-mismatch' }
const REPLAYED: Refusal = {
  reason: 'jwt-jti-replayed',
  hint: 'the client sends an assertion twice; it must make a new one, with a new jti, for each request',
}

interface Found {
  readonly secret?: Secret
  readonly considered: readonly Consideration[]
}

/** Every secret is tried: the time tells neither which one fitted nor whether one did. */
function findSecret(
  { input, signature }: Assertion,
  alg: HmacName,
  secrets: readonly Secret[],
): Found {
  const fitting: Secret[] = []
  const considered: Consideration[] = []
  for (const secret of secrets) {
    const bytes = Buffer.from(secret.value)
    const matches = verifyMac(alg, bytes, input, signature)
    if (!suffices(alg, bytes)) {
      considered.push({ secret, reason: 'secret-too-short', want: `a longer secret for ${alg}` })
    } else if (matches) fitting.push(secret)
    else considered.push({ secret, ...UNKNOWN })
  }
  const [secret] = fitting
  return { ...(secret && { secret }), considered }
}
