import type { Refusal } from '#contract'

import type { AnchorSet } from '../path/anchor-set.ts'
import { parseCertificate } from '../path/parse-certificate.ts'
import type { ParsedCertificate } from '../path/parse-certificate.ts'
import { anchorLimits } from '../path/limits.ts'
import type { PathWorker } from '../path/validate-path-in-worker.ts'
import { validatePath } from '../path/validate-path.ts'
import type { PathQuestion, PathVerdict } from '../path/validate-path.ts'
import type { SentChain } from '../peer-of-connection.ts'
import type { ChainMemory, ProvenPath } from './chain-memory.ts'

/** A leaf, and what came with it. */
export interface Presented extends SentChain {
  /** DER. */
  readonly leaf: Uint8Array
  /** SHA-256 over the leaf, in one spelling everywhere. */
  readonly sha256: string
}

export type PathFinding =
  | { readonly ok: true; readonly proven: ProvenPath }
  | (Refusal & { readonly ok: false })

export interface PathFinder {
  readonly worker: PathWorker
  readonly memory: ChainMemory
}

/**
 * The path from a leaf to the anchors, now: one that was proven before and is still in its time, when all of it was sent
 * again or the TLS session was resumed, else one that is found anew. Chains that could take long are judged in a thread.
 */
export async function findPath(
  presented: Presented,
  anchors: AnchorSet,
  at: number,
  { worker, memory }: PathFinder,
): Promise<PathFinding> {
  const { leaf, sha256, beside, resumed } = presented
  if (anchors.certificates.length === 0) return { ok: false, ...NO_ANCHORS }
  const known = memory.recall(sha256)
  const sent = resumed ? (known?.between ?? []) : beside
  const before = known?.paths.get(anchors)
  if (before && at < before.until && before.between.every((one) => holds(sent, one))) {
    return { ok: true, proven: before }
  }
  const question = {
    leaf,
    intermediates: sent,
    anchors,
    at: new Date(at),
    purpose: 'client',
  } as const
  const verdict = validateOrdinary(question) ?? (await worker.validate(question))
  if (!verdict.ok) {
    const lost = resumed && !known && verdict.reason === 'chain-untrusted'
    return { ...verdict, ...(RETRY.has(verdict.reason) && { retryable: true }), ...(lost && LOST) }
  }
  const { path } = verdict
  const anchor = path.at(-1)
  if (anchor === undefined) return { ok: false, reason: 'chain-failed' }
  const between = path.slice(1, -1).map(({ raw }) => raw)
  const proven = {
    between,
    anchor,
    until: Math.min(...path.map(({ notAfter }) => notAfter)) + 1000,
  }
  memory.remember(sha256, anchors, proven)
  return { ok: true, proven }
}

/**
 * What a chain that is worth no thread may cost: a millisecond at worst, less than the handshake before it. Handing it
 * over would cost as much again, and on a busy machine much more.
 */
const ORDINARY = {
  extraCertificates: 4,
  totalBytes: 16 * 1024,
  steps: 16,
  signatures: 8,
  paths: 4,
  nameComparisons: 2000,
} as const

/** @returns nothing when the chain is not an ordinary one */
function validateOrdinary(question: PathQuestion): PathVerdict | undefined {
  const verdict = validatePath({ ...question, limits: ORDINARY })
  const beyond =
    !verdict.ok && (verdict.reason === 'chain-too-large' || verdict.reason === 'chain-budget')
  return beyond ? undefined : verdict
}

const NO_ANCHORS: Refusal = {
  reason: 'chain-untrusted',
  hint: 'no anchors are configured in this set: see trust.anchors',
}

const LOST: Pick<Refusal, 'hint'> = {
  hint: 'the TLS session was resumed and its intermediate certificates are forgotten; connect anew',
}

/** Nothing was found wrong with the chain. */
const RETRY: ReadonlySet<string> = new Set(['chain-busy', 'chain-failed', 'chain-timeout'])

function holds(sent: readonly Uint8Array[], certificate: Uint8Array): boolean {
  return sent.some((one) => one === certificate || Buffer.compare(one, certificate) === 0)
}

/** The certificates of a proven path, leaf first, parsed. */
export function parsedPath(leaf: Uint8Array, { between, anchor }: ProvenPath): ParsedCertificate[] {
  const below = [leaf, ...between].map((der) => {
    const reading = parseCertificate(der, anchorLimits.caBytes, anchorLimits)
    if (!reading.ok) throw new Error(`a proven path cannot be read: ${reading.got}`)
    return reading.certificate
  })
  return [...below, anchor]
}
