import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import { calculateJwkThumbprint, SignJWT } from 'jose'
import type { JWK } from 'jose'

/** A key that tokens can be bound to. */
export interface ProofPair {
  readonly alg: string
  readonly privateKey: KeyObject
  readonly publicJwk: JWK
  readonly jkt: string
}

const MAKERS: Readonly<Record<string, () => { publicKey: KeyObject; privateKey: KeyObject }>> = {
  ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  ES384: () => generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  ES512: () => generateKeyPairSync('ec', { namedCurve: 'P-521' }),
  EdDSA: () => generateKeyPairSync('ed25519'),
  Ed25519: () => generateKeyPairSync('ed25519'),
}

export async function proofPair(alg = 'ES256', modulusLength = 2048): Promise<ProofPair> {
  const make = MAKERS[alg] ?? (() => generateKeyPairSync('rsa', { modulusLength }))
  const { publicKey, privateKey } = make()
  const publicJwk = publicKey.export({ format: 'jwk' }) as JWK
  return { alg, privateKey, publicJwk, jkt: await calculateJwkThumbprint(publicJwk) }
}

export interface ProofOptions {
  readonly url: string
  readonly method?: string
  /** The access token that the proof goes with. */
  readonly token?: string
  /** Over those of a good proof; undefined takes one out. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
}

/** Signs a DPoP proof (RFC 9449 §4.2) that is good but for what the options say. */
export function signProof(
  { alg, privateKey, publicJwk }: ProofPair,
  { url, method = 'GET', token, claims, header }: ProofOptions,
): Promise<string> {
  const payload: Record<string, unknown> = {
    jti: randomUUID(),
    htm: method,
    htu: url,
    iat: Math.floor(Date.now() / 1000),
    ...(token !== undefined && { ath: sha256(token) }),
    ...claims,
  }
  return new SignJWT(payload)
    .setProtectedHeader({ typ: 'dpop+jwt', alg, jwk: publicJwk, ...header })
    .sign(privateKey)
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
