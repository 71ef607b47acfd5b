import { hash } from 'node:crypto'

import type {
  Attempt,
  Consideration,
  Refusal,
  Validator,
  ValidatorPlugin,
  Verdict,
} from '#contract'

import { familyOf } from './algorithms.ts'
import { takeApart } from './assertion.ts'
import { CHAIN_SECRET_PROPERTIES, CHAIN_SECRET_TYPES } from './chain-secret.ts'
import { checkClaims } from './check-claims.ts'
import { checkHeader } from './check-header.ts'
import { mintDecoyKeys } from './decoy-keys.ts'
import { findChainSigner, withoutChain } from './find-chain-signer.ts'
import { closest, findSigner } from './find-signer.ts'
import { KEY_SECRET_PROPERTIES, KEY_SECRET_TYPES } from './key-holder.ts'
import { options, rulesOf } from './options.ts'
import type { Options } from './options.ts'
import { secretReader } from './secret-reader.ts'

/**
 * JWTs signed by the client (RFC 7523 §2.2), checked against its registered certificates and JWKs, the keys that it
 * publishes, or the certificate chain that came along, when the client is registered by a name or an authority.
 */
export default {
  contract: 1,
  options,
  setup(given, host): Validator<'jwt_assertion'> {
    const rules = rulesOf(given, host.compatibility)
    const decoys = mintDecoyKeys()
    const secrets = secretReader(given.jwksUri, rules, host)
    const families = new Set(rules.algorithms.map(familyOf))

    return {
      accepts: 'jwt_assertion',
      secretTypes: [...KEY_SECRET_TYPES, 'JWKSUri', ...CHAIN_SECRET_TYPES],
      secretProperties: [...KEY_SECRET_PROPERTIES, ...CHAIN_SECRET_PROPERTIES],
      signingAlgorithms: rules.algorithms,
      decoys: [...families].map((family) => ({
        type: 'JWK',
        value: JSON.stringify(decoys[family].export({ format: 'jwk' })),
        properties: {},
      })),
      inspect: secrets.inspect,
      async validate(attempt: Attempt<'jwt_assertion'>): Promise<Verdict> {
        const { client, audiences, now, replay, trust } = attempt
        const assertion = takeApart(attempt.credential.assertion)
        if (assertion === undefined) return { ok: false, ...MALFORMED }
        const explicitType = rules.audience === 'strict'
        const header = checkHeader(assertion.header, { ...rules, explicitType })
        if (!header.ok) return header

        const { kid } = assertion.header
        const { candidates, unavailable } = await secrets.candidates(attempt.secrets, kid, now)
        const decoy = decoys[familyOf(header.alg)]
        const byKey = findSigner(assertion, header.alg, candidates, decoy, now)
        const named = secrets.chainSecrets(attempt.secrets)
        const services = { trust, certificates: host.certificates }
        const byChain =
          byKey.secret === undefined && 'x5c' in assertion.header
            ? await findChainSigner(assertion, header.alg, named, services)
            : { considered: byKey.secret ? [] : withoutChain(named) }
        if (byChain.undecided) return { ok: false, ...byChain.undecided }
        const secret = byKey.secret ?? byChain.secret
        const considered: readonly Consideration[] = [
          ...byKey.considered,
          ...unavailable,
          ...byChain.considered,
        ]
        if (secret === undefined) return { ok: false, ...closest(considered), considered }

        const anyAudience = rules.audience === 'legacy' && !header.explicitlyTyped
        const audience = anyAudience ? 'any' : 'issuer'
        const context = { clientId: client.clientId, audiences, audience, now } as const
        const claims = checkClaims(assertion.claims, { ...rules, ...context })
        const refuse = (refusal: Refusal): Verdict => ({
          ok: false,
          ...refusal,
          considered: [...considered, { secret, ...refusal }],
        })
        if (!claims.ok) return refuse(claims)
        // Last, so that nothing but a proven assertion can use up an identifier.
        const first = await replay.claim(hash('sha256', claims.jti, 'base64url'), claims.until)
        return first ? { ok: true, secret } : refuse(REPLAYED)
      },
    }
  },
} satisfies ValidatorPlugin<Options>

const MALFORMED: Refusal = { reason: 'jwt-malformed', want: 'a signed JWT in compact form' }
const REPLAYED: Refusal = {
  reason: 'jwt-jti-replayed',
  hint: 'the client sends an assertion twice; it must sign a new one, with a new jti, for each request',
}
