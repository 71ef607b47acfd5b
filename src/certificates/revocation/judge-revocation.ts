import type { TrustVerdict } from '#contract'

import { checkRevocation } from '../path/check-revocation.ts'
import { createCrlSet } from '../path/crl-set.ts'
import type { CrlSet } from '../path/crl-set.ts'
import type { ParsedCertificate } from '../path/parse-certificate.ts'
import type { ParsedCrl } from '../path/parse-crl.ts'
import type { OcspAnswer } from '../path/parse-ocsp.ts'
import type { RevocationRules } from './revocation-rules.ts'

/** The CRLs at hand, made to count for as long as the rules say. */
export interface KnownCrls {
  readonly set: CrlSet
  /** Milliseconds since 1970. */
  readonly nextUpdates: readonly number[]
}

export interface RevocationJudgement {
  readonly status: 'good' | 'revoked' | 'unknown'
  readonly verdict: TrustVerdict
}

/** @param grace milliseconds that each counts beyond its nextUpdate; one without nextUpdate stays as it is */
export function knownCrls(crls: readonly ParsedCrl[], grace: number): KnownCrls {
  const lasting = crls.map((crl) =>
    crl.nextUpdate === undefined ? crl : { ...crl, nextUpdate: crl.nextUpdate + grace },
  )
  return {
    set: createCrlSet(lasting),
    nextUpdates: lasting.flatMap(({ nextUpdate }) => nextUpdate ?? []),
  }
}

/**
 * What is known of the certificates of a validated path (leaf first, anchor last). With `soft` the unknown is accepted,
 * save what an old CRL or answer says is revoked: that it went out of date does not make it untrue.
 */
export function judgeRevocation(
  path: readonly ParsedCertificate[],
  { mode, policy, grace }: RevocationRules,
  crls: KnownCrls,
  answers: readonly OcspAnswer[],
  at: number,
): RevocationJudgement {
  const ask = (lasting: readonly OcspAnswer[]) =>
    checkRevocation({
      path,
      policy: { mode },
      at: new Date(at),
      crls: crls.set,
      answers: lasting,
    })
  const verdict = ask(answers.map((answer) => prolonged(answer, grace)))
  if (verdict.ok) return { status: 'good', verdict }
  const last = ask(answers.map((answer) => prolonged(answer, Infinity)))
  for (const one of [verdict, last]) {
    if (!one.ok && one.reason === 'chain-revoked') return { status: 'revoked', verdict: one }
  }
  return { status: 'unknown', verdict: policy === 'soft' ? { ok: true } : verdict }
}

function prolonged(answer: OcspAnswer, milliseconds: number): OcspAnswer {
  const singles = answer.singles.map((single) =>
    single.nextUpdate === undefined
      ? single
      : { ...single, nextUpdate: single.nextUpdate + milliseconds },
  )
  return { ...answer, singles }
}
