import { X509Certificate } from 'node:crypto'

import type {
  Certificates,
  CertificateTrust,
  Consideration,
  PeerCertificate,
  Refusal,
  Secret,
  TrustVerdict,
} from '#contract'

import { familyOf, verifySignature } from './algorithms.ts'
import type { AlgorithmName } from './algorithms.ts'
import type { Assertion, Members } from './assertion.ts'
import type { ChainSecret } from './chain-secret.ts'
import type { Signer } from './find-signer.ts'
import { classifyKey } from './key-faults.ts'
import { show } from './show.ts'

export interface ChainCandidate extends ChainSecret {
  readonly secret: Secret
}

export interface ChainSigner extends Signer {
  /** Nothing was found wrong, but the chain could not be judged now. */
  readonly undecided?: Refusal
}

export interface ChainServices {
  readonly certificates: Certificates
  readonly trust: CertificateTrust
}

const MAX_CERTIFICATES = 10
const MAX_SETS = 4

/**
 * Finds the secret that names the certificate at the head of `x5c` (RFC 7515 §4.1.6): trusted by a path to the anchors of
 * that secret, and its key made the signature. The leaf is the first by its position, the rest may only help to find the
 * path. All steps are taken for every client and for none, so that the time does not tell what is registered.
 */
export async function findChainSigner(
  assertion: Assertion,
  alg: AlgorithmName,
  candidates: readonly ChainCandidate[],
  { certificates, trust }: ChainServices,
): Promise<ChainSigner> {
  const refuseAll = (refusal: Refusal): ChainSigner => ({
    considered: candidates.map(({ secret }) => ({ secret, ...refusal })),
  })
  const chain = decodeChain(assertion.header)
  const [first, ...rest] = chain ?? []
  const leaf = first && certificates.read(first, rest)
  if (leaf === undefined) return refuseAll(MALFORMED)

  const named = candidates.filter((one) => one.fits(leaf))
  const sets = [...new Set((named.length > 0 ? named : candidates.slice(0, 1)).map(setOf))]
  const verdicts = new Map<string | undefined, TrustVerdict>()
  for (const anchors of sets.length > 0 ? sets.slice(0, MAX_SETS) : [undefined]) {
    const verdict = await trust.verify(leaf, anchors === undefined ? {} : { anchors })
    if (!verdict.ok && verdict.retryable) return { ...refuseAll(verdict), undecided: verdict }
    verdicts.set(anchors, verdict)
  }
  const wrong = otherLeaf(leaf, assertion.header) ?? signatureFault(leaf, alg, assertion)
  const considered: Consideration[] = []
  for (const candidate of candidates) {
    const refusal =
      (named.includes(candidate) ? undefined : otherName(leaf, candidate)) ??
      untrusted(verdicts.get(candidate.anchors)) ??
      wrong ??
      otherAlgorithm(candidate, alg)
    if (refusal === undefined) return { secret: candidate.secret, considered }
    considered.push({ secret: candidate.secret, ...refusal })
  }
  return { considered }
}

/** Why a client that is known by certificates only proves nothing with an assertion that brings none. */
export function withoutChain(candidates: readonly ChainCandidate[]): readonly Consideration[] {
  return candidates.map(({ secret }) => ({ secret, ...MISSING }))
}

const WANT = `base64 of 1 to ${MAX_CERTIFICATES} certificates (DER), the signer's first`
const MALFORMED: Refusal = { reason: 'jwt-x5c', got: 'no chain of certificates', want: WANT }
const MISSING: Refusal = { reason: 'jwt-x5c-missing', want: `x5c in the header: ${WANT}` }

function decodeChain({ x5c }: Members): readonly Buffer[] | undefined {
  if (!Array.isArray(x5c) || x5c.length > MAX_CERTIFICATES) return undefined
  const parts: readonly unknown[] = x5c
  const ders = parts.flatMap((part) => {
    if (typeof part !== 'string') return []
    const der = Buffer.from(part, 'base64')
    return der.toString('base64') === part ? [der] : []
  })
  return ders.length === parts.length ? ders : undefined
}

function setOf({ anchors }: ChainSecret): string | undefined {
  return anchors
}

/** A thumbprint in the header must be that of the leaf (RFC 7515 §4.1.7, §4.1.8). */
function otherLeaf({ x5tS256, thumbprintSha1 }: PeerCertificate, header: Members) {
  const x5t = Buffer.from(thumbprintSha1, 'hex').toString('base64url')
  const pairs = [
    ['x5t', header['x5t'], x5t],
    ['x5t#S256', header['x5t#S256'], x5tS256],
  ] as const
  for (const [name, got, want] of pairs)
    if (got !== undefined && got !== want)
      return { reason: 'jwt-x5c', got: `${name} ${show(got)}`, want: `${name} ${want} of its leaf` }
  return undefined
}

function signatureFault(
  { raw }: PeerCertificate,
  alg: AlgorithmName,
  { input, signature }: Assertion,
): Refusal | undefined {
  const key = keyOf(raw)
  const classified = key && classifyKey(key)
  if (!key || !classified?.ok) {
    return { reason: 'jwt-x5c', got: classified?.ok === false ? classified.fault : 'no usable key' }
  }
  if (classified.family !== familyOf(alg)) {
    return { reason: 'jwt-alg-not-allowed', got: alg, want: `one for ${classified.family}` }
  }
  return verifySignature(alg, key, input, signature)
    ? undefined
    : { reason: 'jwt-signature', hint: 'not made with the key of the first certificate in x5c' }
}

function keyOf(der: Uint8Array) {
  try {
    return new X509Certificate(der).publicKey
  } catch {
    return undefined
  }
}

function otherName({ subject }: PeerCertificate, { secret }: ChainCandidate): Refusal {
  return {
    reason: secret.type.startsWith('X509San') ? 'cert-san-mismatch' : 'cert-subject-mismatch',
    got: subject.dotnet.slice(0, 200),
    want: secret.value.slice(0, 200),
  }
}

function untrusted(verdict: TrustVerdict | undefined): Refusal | undefined {
  if (verdict?.ok) return undefined
  const { ok: _, ...refusal } = verdict ?? { ok: false, reason: 'chain-untrusted' }
  return refusal
}

function otherAlgorithm({ algorithms }: ChainCandidate, alg: AlgorithmName): Refusal | undefined {
  if (algorithms?.includes(alg) ?? true) return undefined
  return { reason: 'jwt-alg-not-allowed', got: alg, want: algorithms?.join(', ') ?? '' }
}
