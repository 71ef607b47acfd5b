import type { Refusal } from '#contract'
import { checkCrls } from './check-crls.ts'
import type { CrlSet } from './crl-set.ts'
import { checkOcsp } from './check-ocsp.ts'
import type { OcspAnswer } from './parse-ocsp.ts'
import type { ParsedCertificate } from './parse-certificate.ts'
import type { RevocationSources, RevocationStatus } from './revocation-status.ts'

/** How revocation is judged. */
export interface RevocationPolicy {
  /** Whose revocation is looked at: nobody's, the leaf's, or that of all but the anchor. */
  readonly mode: 'off' | 'leaf' | 'chain'
  /** Accept a certificate of which nothing is known. One known to be revoked is refused always. */
  readonly acceptUnknown?: boolean
}

export interface RevocationQuestion {
  /** A path that was found valid: leaf first, anchor last. */
  readonly path: readonly ParsedCertificate[]
  readonly policy: RevocationPolicy
  readonly at: Date
  readonly crls: CrlSet
  readonly answers?: readonly OcspAnswer[]
  /** Certificates that may have been made to sign CRLs; they are proven first. */
  readonly extras?: readonly ParsedCertificate[]
  /** Accept CRLs and answers signed over SHA-1. For records of the past only. */
  readonly allowSha1?: boolean
}

export type RevocationVerdict = { readonly ok: true } | (Refusal & { readonly ok: false })

/**
 * Whether the certificates of a validated path still count: `chain-revoked`, or
 * `chain-revocation-unknown` when neither CRLs nor OCSP answers know. Fetches nothing.
 */
export function checkRevocation(question: RevocationQuestion): RevocationVerdict {
  const { path, policy, at, crls, answers = [], extras = [], allowSha1 = false } = question
  const count = { off: 0, leaf: 1, chain: path.length - 1 }[policy.mode]
  const sources = { at: at.getTime(), crls, answers, extras, allowSha1 }
  const strict = policy.mode === 'chain' && policy.acceptUnknown !== true
  for (let index = 0; index < count; index++) {
    const subject = path[index]?.subject.text ?? ''
    const result = statusOf(path.slice(index), sources, strict)
    if (result.status === 'revoked') {
      return { ok: false, reason: 'chain-revoked', got: `${subject}: ${result.got}` }
    }
    if (result.status === 'unknown' && policy.acceptUnknown !== true) {
      return {
        ok: false,
        reason: 'chain-revocation-unknown',
        got: `${subject}: ${result.got}`,
        want: 'a current CRL or OCSP answer',
      }
    }
  }
  return { ok: true }
}

/**
 * Who signs CRLs for others is judged by those of its own superiors: one level, no circles. Unless
 * its issuer names it in its distribution point as the one who answers for itself.
 */
function ownCrls([signer]: readonly ParsedCertificate[]): ParsedCertificate[] {
  const points = signer?.extensions.crlDistributionPoints ?? []
  const names = points.flatMap(({ crlIssuer = [] }) => crlIssuer)
  const isNamed = names.some(
    (name) => name.type === 'directory' && name.value.key === signer?.subject.key,
  )
  return signer !== undefined && isNamed ? [signer] : []
}

/** Revoked wins over good, so that no answer can hide an entry of a CRL. */
function statusOf(
  path: readonly ParsedCertificate[],
  sources: RevocationSources,
  strict: boolean,
): RevocationStatus {
  const judged = (signer: readonly ParsedCertificate[]): RevocationStatus['status'] =>
    checkCrls(signer, { ...sources, extras: ownCrls(signer) }, () => true).status
  const byCrl = checkCrls(path, sources, (signer) =>
    strict ? judged(signer) === 'good' : judged(signer) !== 'revoked',
  )
  if (byCrl.status === 'revoked' || sources.answers.length === 0) return byCrl
  const byOcsp = checkOcsp(path, sources, (responder) => judged(responder) === 'revoked')
  if (byOcsp.status === 'revoked' || byCrl.status !== 'good') return byOcsp
  return byCrl
}
