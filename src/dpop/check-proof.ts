import { hash } from 'node:crypto'

import type { Refusal } from '#contract'

import type { OAuthErrorCode } from '../errors.ts'
import { verifyProof } from './proof-algorithms.ts'
import type { ProofAlgorithm } from './proof-algorithms.ts'
import { readProofKey } from './proof-key.ts'
import { readProof } from './read-proof.ts'
import { targetUri } from './target-uri.ts'

/** The request that a proof came with. */
export interface ProvenRequest {
  /** The value of its `DPoP` header. */
  readonly proof: string | undefined
  readonly method: string
  /** As it was sent, without the query. */
  readonly path: string
  readonly now: Date
  /** The access token beside the proof, and the thumbprint of the key that it is bound to. */
  readonly bound?: { readonly token: string; readonly jkt: string }
}

export interface ProofRules {
  readonly algorithms: readonly ProofAlgorithm[]
  /** The origins that we are called by, ours first: never what the request says of itself. */
  readonly origins: readonly string[]
  /** How far `iat` may be from now, either way. Milliseconds. */
  readonly proofLifetime: number
  /** Absent: no nonce is needed. */
  isFresh?(nonce: string, now: Date): Promise<boolean>
  /** Claims an identifier of a proof by this key: true once. Rejects when nobody can say. */
  claim(jkt: string, jti: string, until: Date): Promise<boolean>
}

export type ProofRefusal = Refusal & { readonly ok: false; readonly code: OAuthErrorCode }
export type ProofCheck = { readonly ok: true; readonly jkt: string } | ProofRefusal

const MAX_JTI = 256
/** The clock of another replica may be behind; what was used here must not count there. Milliseconds. */
const MARGIN = 60_000

/** Checks a DPoP proof (RFC 9449 §4.3). What is used up is used up last, by a sound proof only. */
export async function checkProof(request: ProvenRequest, rules: ProofRules): Promise<ProofCheck> {
  const { proof, now, bound } = request
  if (proof === undefined) return refused({ reason: 'dpop-missing', want: 'a DPoP header' })
  const reading = readProof(proof)
  if (!reading.ok) return refused(reading)
  const { header, claims } = reading

  const fault = headerFault(header)
  if (fault) return refused(fault)
  const algorithm = rules.algorithms.find((one) => one === header['alg'])
  if (algorithm === undefined) {
    const want = rules.algorithms.join(' or ')
    return refused({ reason: 'dpop-alg', got: shown(header['alg']), want })
  }
  const key = readProofKey(header['jwk'], algorithm)
  if (!key.ok) return refused({ reason: 'dpop-jwk', got: key.fault })
  if (bound && bound.jkt !== key.jkt) {
    const refusal = { reason: 'token-binding', got: `key ${key.jkt}`, want: `key ${bound.jkt}` }
    return { ok: false, code: 'invalid_token', ...refusal }
  }
  if (!verifyProof(algorithm, key.key, reading.input, reading.signature)) {
    return refused({ reason: 'dpop-signature' })
  }

  const refusal = claimFault(claims, request, rules)
  if (refusal) return refused(refusal)
  const { jti, nonce, iat } = claims
  if (rules.isFresh && !(typeof nonce === 'string' && (await rules.isFresh(nonce, now)))) {
    const got = nonce === undefined ? 'no nonce' : 'a nonce that is not ours or too old'
    return { ok: false, code: 'use_dpop_nonce', reason: 'dpop-nonce', got }
  }
  const until = new Date(Number(iat) * 1000 + rules.proofLifetime + MARGIN)
  if (await rules.claim(key.jkt, String(jti), until)) return { ok: true, jkt: key.jkt }
  const hint = 'the client must sign a proof, with a new jti, for each request'
  return refused({ reason: 'dpop-replayed', hint })
}

type Members = Readonly<Record<string, unknown>>

function headerFault({ typ, ...header }: Members): Refusal | undefined {
  if (typeof typ !== 'string' || !/^(application\/)?dpop\+jwt$/i.test(typ)) {
    return { reason: 'dpop-typ', got: shown(typ), want: 'dpop+jwt' }
  }
  const extended = 'crit' in header || 'b64' in header
  return extended ? { reason: 'dpop-crit', want: 'no extensions' } : undefined
}

function claimFault(
  { htm, htu, iat, ath, jti }: Members,
  { method, path, now, bound }: ProvenRequest,
  { origins, proofLifetime }: ProofRules,
): Refusal | undefined {
  if (htm !== method) return { reason: 'dpop-htm', got: shown(htm), want: method }
  const target = typeof htu === 'string' ? targetUri(htu) : undefined
  if (target === undefined || !origins.some((origin) => targetUri(origin + path) === target)) {
    const hint = 'name the origins that clients call us by in dpop.origins'
    return { reason: 'dpop-htu', got: shown(htu), want: `${origins[0]}${path}`, hint }
  }
  if (typeof iat !== 'number' || !Number.isFinite(iat)) {
    return { reason: 'dpop-iat', got: shown(iat), want: 'seconds since 1970, as a number' }
  }
  const off = iat * 1000 - now.getTime()
  if (Math.abs(off) > proofLifetime) {
    const got = `${Math.round(Math.abs(off) / 1000)} s ${off > 0 ? 'ahead' : 'ago'}`
    return { reason: 'dpop-iat', got, want: `at most ${proofLifetime / 1000} s from now` }
  }
  if (bound && ath !== hash('sha256', bound.token, 'base64url')) {
    return { reason: 'dpop-ath', got: shown(ath), want: 'the SHA-256 of the access token' }
  }
  if (typeof jti === 'string' && jti !== '' && jti.length <= MAX_JTI) return undefined
  const want = `a unique text of at most ${MAX_JTI} characters`
  return { reason: 'dpop-jti', got: shown(jti), want }
}

/** On one line and short. */
function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(0, 200)
}

function refused({ reason, got, want, hint }: Refusal): ProofRefusal {
  return {
    ok: false,
    code: 'invalid_dpop_proof',
    reason,
    ...(got !== undefined && { got }),
    ...(want !== undefined && { want }),
    ...(hint !== undefined && { hint }),
  }
}
