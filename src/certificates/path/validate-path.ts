import type { Refusal } from '#contract'
import type { AnchorSet } from './anchor-set.ts'
import { checkLeaf } from './check-certificate.ts'
import type { CertificateRules, Purpose } from './check-certificate.ts'
import type { PolicyInputs } from './check-policies.ts'
import { defaultPathLimits } from './limits.ts'
import type { PathLimits } from './limits.ts'
import { parseCertificate, sameBytes } from './parse-certificate.ts'
import type { ParsedCertificate } from './parse-certificate.ts'
import { searchPath } from './search-path.ts'
import type { PathVerdict } from './search-path.ts'

export type { PathVerdict }

export interface PathQuestion {
  /** DER of the certificate in question, chosen by its position: the TLS peer's, or the first of x5c. */
  readonly leaf: Uint8Array
  /** DER of whatever else was sent, in any order. */
  readonly intermediates: readonly Uint8Array[]
  readonly anchors: AnchorSet
  readonly at: Date
  readonly purpose: Purpose
  /** The leaf must have extKeyUsage with its purpose; default: it may lack the extension. */
  readonly requireUsage?: boolean
  /** Accept signatures over SHA-1. For records of the past only. */
  readonly allowSha1?: boolean
  readonly policy?: PolicyInputs
  /** Intermediate certificates, self-issued ones not counted. */
  readonly maxDepth?: number
  readonly limits?: Partial<PathLimits>
}

/**
 * Whether a path of RFC 5280 §6 leads from the leaf to one of the anchors; `path[0]` is byte-equal
 * to the leaf. Synchronous; whatever was sent, its cost is bounded by `limits`: at worst that of a
 * hundred signatures, so what comes raw from outside belongs into `createPathWorker`.
 *
 * Reasons: `chain-too-large`, `chain-malformed`, `chain-untrusted`, `chain-signature`, `chain-expired`,
 * `chain-not-yet-valid`, `chain-ca`, `chain-path-length`, `chain-depth`, `chain-key-usage`, `chain-eku`,
 * `chain-leaf`, `chain-critical-extension`, `chain-algorithm`, `chain-key`, `chain-name-constraint`,
 * `chain-policy`, `chain-budget`. With several failing paths it is that of the one that came farthest.
 */
export function validatePath(question: PathQuestion): PathVerdict {
  const limits = { ...defaultPathLimits, ...question.limits }
  const excess = checkSizes(question)
  if (excess !== undefined) return { ok: false, ...excess }

  const reading = parseCertificate(question.leaf, limits.leafBytes, limits)
  if (!reading.ok) return { ...reading, reason: 'chain-malformed' }
  const leaf = reading.certificate
  const rules: CertificateRules = {
    at: question.at.getTime(),
    purpose: question.purpose,
    requireUsage: question.requireUsage ?? false,
    allowSha1: question.allowSha1 ?? false,
  }
  const refusal = checkLeaf(leaf, rules)
  if (refusal !== undefined) return { ok: false, ...refusal }

  const { candidates, malformed } = readCandidates(question, leaf, limits)
  const verdict = searchPath(leaf, candidates, {
    anchors: question.anchors.bySubject,
    policy: question.policy ?? {},
    maxDepth: question.maxDepth ?? limits.depth,
    rules,
    limits,
  })
  if (!verdict.ok) {
    const unreadable = verdict.reason === 'chain-untrusted' && malformed !== undefined
    return unreadable ? { ...malformed, ok: false, reason: 'chain-malformed' } : verdict
  }
  const [first] = verdict.path
  // The search starts at the leaf; should that ever break, nobody is to profit from it.
  if (first === undefined || !sameBytes(first.raw, question.leaf)) {
    return { ok: false, reason: 'chain-leaf', got: 'a path of another certificate' }
  }
  return verdict
}

/** Why the chain is too large to be looked at; cheap enough for everywhere. */
export function checkSizes(question: PathQuestion): Refusal | undefined {
  const { leaf, intermediates } = question
  const limits = { ...defaultPathLimits, ...question.limits }
  const reason = 'chain-too-large'
  if (leaf.length > limits.leafBytes) {
    return { reason, got: `leaf of ${leaf.length} bytes`, want: `at most ${limits.leafBytes}` }
  }
  if (intermediates.length > limits.extraCertificates) {
    const want = `at most ${limits.extraCertificates} beside the leaf`
    return { reason, got: `${intermediates.length} certificates`, want }
  }
  const total = intermediates.reduce((sum, der) => sum + der.length, leaf.length)
  if (total > limits.totalBytes) {
    return { reason, got: `${total} bytes`, want: `at most ${limits.totalBytes} in all` }
  }
  return undefined
}

/** What can stand between leaf and anchor: no byte-equal copies, not the leaf, not the anchors. */
function readCandidates(
  { intermediates, anchors }: PathQuestion,
  leaf: ParsedCertificate,
  limits: PathLimits,
): { readonly candidates: readonly ParsedCertificate[]; readonly malformed: Refusal | undefined } {
  const candidates = new Map<string, ParsedCertificate>()
  let malformed: Refusal | undefined
  for (const der of intermediates) {
    const reading = parseCertificate(der, limits.caBytes, limits)
    if (!reading.ok) {
      malformed ??= reading
      continue
    }
    const { identity } = reading.certificate
    if (identity !== leaf.identity && !anchors.identities.has(identity)) {
      candidates.set(identity, reading.certificate)
    }
  }
  return { candidates: [...candidates.values()], malformed }
}
