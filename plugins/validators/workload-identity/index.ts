import type {
  Attempt,
  Consideration,
  Refusal,
  Secret,
  Validator,
  ValidatorPlugin,
  Verdict,
} from '#contract'

import { takeApart } from '../private-key-jwt/assertion.ts'
import type { Members } from '../private-key-jwt/assertion.ts'
import { checkHeader } from '../private-key-jwt/check-header.ts'
import { show } from '../private-key-jwt/show.ts'
import { claimFault, signatureFault } from './check-token.ts'
import { keySource } from './key-source.ts'
import type { KeySource } from './key-source.ts'
import { options } from './options.ts'
import type { IssuerOptions, Options } from './options.ts'
import { inspectWorkload, readWorkload, WORKLOAD_SECRET_TYPES } from './workload-secret.ts'
import type { Workload } from './workload-secret.ts'

const JWT_SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe'

interface Trusted {
  readonly from: IssuerOptions
  readonly keys: KeySource
}

/** Service-account tokens of Kubernetes and JWT-SVIDs of SPIFFE, from issuers that the operator trusts. */
export default {
  contract: 1,
  options,
  setup(given, host): Validator<'federated_assertion'> {
    const { issuers, algorithms, clockSkew } = given
    const trusted: readonly Trusted[] = issuers.map((from) => ({
      from,
      keys: keySource(from.jwks, host),
    }))
    const rules = { algorithms, explicitType: false }
    const advertised = [
      ...(issuers.some((one) => one.issuer !== undefined) ? ['federated_jwt'] : []),
      ...(issuers.some((one) => one.trustDomain !== undefined) ? ['spiffe_jwt'] : []),
    ]
    return {
      accepts: 'federated_assertion',
      secretTypes: WORKLOAD_SECRET_TYPES,
      secretProperties: ['issuer'],
      ...(advertised.length > 0 && { advertises: advertised, signingAlgorithms: algorithms }),
      inspect: (secret) => inspectWorkload(readWorkload(secret), issuers),
      async validate(attempt: Attempt<'federated_assertion'>): Promise<Verdict> {
        const { credential, secrets, now } = attempt
        const spiffe = credential.assertionType === JWT_SPIFFE
        const assertion = takeApart(credential.assertion)
        if (assertion === undefined) return { ok: false, ...MALFORMED }
        const header = checkHeader(spiffe ? withoutJose(assertion.header) : assertion.header, rules)
        if (!header.ok) return header

        const { claims } = assertion
        const issuer = spiffe ? trustDomainOf(claims['sub']) : claims['iss']
        const one = trusted.find(
          ({ from }) =>
            (spiffe ? from.trustDomain : from.issuer) === issuer && issuer !== undefined,
        )
        if (!one) return { ok: false, reason: 'workload-issuer-unknown', got: show(issuer), ...SEE }
        const keys = await one.keys(assertion.header['kid'], now)
        if ('ok' in keys) return { ...keys, retryable: true }
        const fault =
          signatureFault(assertion, header.alg, keys) ??
          claimFault(claims, { from: one.from, clockSkew, now })
        if (fault) return { ok: false, ...fault }

        const workload = { issuer: String(issuer), subject: String(claims['sub']) }
        const secret = secrets.find((candidate) => names(candidate, workload))
        if (secret) return { ok: true, secret, method: spiffe ? 'spiffe_jwt' : 'federated_jwt' }
        const unknown = { reason: 'workload-mismatch', got: show(claims['sub']) }
        const considered = secrets.map((candidate): Consideration => {
          return { secret: candidate, ...unknown, want: candidate.value.slice(0, 200) }
        })
        return { ok: false, ...unknown, considered }
      },
    }
  },
} satisfies ValidatorPlugin<Options>

const MALFORMED: Refusal = { reason: 'jwt-malformed', want: 'a signed JWT in compact form' }
const SEE = { hint: 'see issuers in the options of validators/workload-identity' }

/** Byte for byte: there are no patterns. */
function names(secret: Secret, { issuer, subject }: Workload): boolean {
  const reading = readWorkload(secret)
  return reading.ok && reading.workload.issuer === issuer && reading.workload.subject === subject
}

/** JWT-SVID §2.3 allows that name for the type too. */
function withoutJose({ typ, ...header }: Members): Members {
  return typ === undefined || typ === 'JOSE' ? header : { ...header, typ }
}

function trustDomainOf(sub: unknown): string | undefined {
  return typeof sub === 'string' ? /^spiffe:\/\/([a-z\d._-]{1,255})\//.exec(sub)?.[1] : undefined
}
