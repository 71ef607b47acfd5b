import type { KeyObject } from 'node:crypto'

import type { Consideration, Refusal, Secret } from '#contract'

import { verifySignature } from './algorithms.ts'
import type { AlgorithmName } from './algorithms.ts'
import type { Assertion, Members } from './assertion.ts'
import type { KeyHolder } from './key-holder.ts'
import { show } from './show.ts'

export interface Candidate {
  readonly secret: Secret
  readonly holder: KeyHolder
}

export interface Signer {
  /** The secret whose key signed, if any did. */
  readonly secret?: Secret
  /** The secrets that did not. */
  readonly considered: readonly Consideration[]
}

const MAX_TRIES = 8

/**
 * Finds the registered key that signed. At least one signature is checked, with the decoy when no key is in question:
 * the time does not tell whether a client is known or which keys it has.
 */
export function findSigner(
  { header, input, signature }: Assertion,
  alg: AlgorithmName,
  candidates: readonly Candidate[],
  decoy: KeyObject,
  now: Date,
): Signer {
  const considered: Consideration[] = []
  let tries = 0
  for (const { secret, holder } of candidates) {
    const unfit = otherKey(holder, header) ?? otherAlgorithm(holder, alg)
    if (unfit || tries === MAX_TRIES) {
      considered.push({ secret, ...(unfit ?? NOT_TRIED) })
      continue
    }
    tries += 1
    const signed = verifySignature(alg, holder.key, input, signature)
    const refusal = signed ? outsideValidity(holder, now) : wrongSignature(header)
    if (refusal === undefined) return { secret, considered }
    considered.push({ secret, ...refusal })
  }
  if (tries === 0) verifySignature(alg, decoy, input, signature)
  return { considered }
}

/** The refusal that came furthest is the one that helps. */
export function closest(considered: readonly Consideration[]): Refusal {
  const [best] = considered.toSorted((a, b) => closeness(b) - closeness(a))
  if (best === undefined) return { reason: 'jwt-signature', hint: 'the client has no usable key' }
  const { secret: _, ...refusal } = best
  return refusal
}

/** What is wrong with a chain is said only of one whose name fits. */
function closeness({ reason }: Refusal): number {
  return reason.startsWith('chain-') ? CLOSENESS.length : CLOSENESS.indexOf(reason)
}

const CLOSENESS: readonly string[] = [
  'not-tried',
  'jwt-x5c-missing',
  'jwks-unavailable',
  'jwt-alg-not-allowed',
  'jwt-kid-unknown',
  'jwt-x5c',
  'cert-subject-mismatch',
  'cert-san-mismatch',
  'jwt-signature',
  'cert-not-yet-valid',
  'cert-expired',
]

const NOT_TRIED: Refusal = {
  reason: 'not-tried',
  want: `at most ${MAX_TRIES} keys in question`,
  hint: 'register the keys as JWK with kid, and let the client name it',
}

/** Names in the header narrow the choice; a key that has no such name stays in question. */
function otherKey({ kid, certificate }: KeyHolder, header: Members): Refusal | undefined {
  const pairs = [
    ['kid', header['kid'], kid],
    ['x5t', header['x5t'], certificate?.x5t],
    ['x5t#S256', header['x5t#S256'], certificate?.x5tS256],
  ] as const
  for (const [name, got, want] of pairs)
    if (got !== undefined && want !== undefined && got !== want)
      return {
        reason: 'jwt-kid-unknown',
        got: `${name} ${show(got)}`,
        want: `${name} ${show(want)}`,
      }
  return undefined
}

function otherAlgorithm({ algorithms }: KeyHolder, alg: AlgorithmName): Refusal | undefined {
  if (algorithms.includes(alg)) return undefined
  return { reason: 'jwt-alg-not-allowed', got: alg, want: algorithms.join(', ') }
}

function wrongSignature(header: Members): Refusal {
  const carried = ['jwk', 'jku', 'x5u', 'x5c'].filter((name) => name in header)
  const hint = `keys in the header (${carried.join(', ')}) are not used; only registered ones count`
  return { reason: 'jwt-signature', ...(carried.length > 0 && { hint }) }
}

/** A date that is none is outside, whatever it is compared with. */
function outsideValidity({ certificate, validity }: KeyHolder, now: Date): Refusal | undefined {
  if (certificate === undefined || validity === 'ignore') return undefined
  const { notBefore, notAfter } = certificate
  const want = `a certificate valid on ${now.toUTCString()}`
  const hint = 'register a current one, or say validity: ignore if it merely holds the key'
  if (!(now <= notAfter)) return { reason: 'cert-expired', got: notAfter.toUTCString(), want, hint }
  if (now >= notBefore) return undefined
  return { reason: 'cert-not-yet-valid', got: notBefore.toUTCString(), want }
}
