import type { KeyObject } from 'node:crypto'

/** A key as a secret holds it. */
export interface PublicKey {
  readonly key: KeyObject
  readonly kid?: string
  /** The one algorithm that a JWK says it is for. */
  readonly alg?: string
  readonly certificate?: CertificateOfKey
  /** What somebody should look at. */
  readonly warning?: string
}

export interface CertificateOfKey {
  readonly notBefore: Date
  readonly notAfter: Date
  /** SHA-1 and SHA-256 over the DER, base64url, as in a JOSE header (RFC 7515 §4.1.7, §4.1.8). */
  readonly x5t: string
  readonly x5tS256: string
}

/** Thrown by the readers of keys; the message is for the operator and shows nothing of the key. */
export class KeyFault extends Error {
  override readonly name = 'KeyFault'
}
