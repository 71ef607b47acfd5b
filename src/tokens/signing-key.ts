import { createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose'
import type { CryptoKey, JWK } from 'jose'

export type SigningAlgorithm = 'ES256' | 'RS256' | 'PS256'

/** A key that signs our tokens. */
export interface SigningKey {
  /** The RFC 7638 thumbprint of the public key. */
  readonly kid: string
  readonly algorithm: SigningAlgorithm
  readonly privateKey: CryptoKey
  /** The private key once more, for what has to be signed without waiting (`jwtSigner`). */
  readonly keyObject: KeyObject
  readonly publicKey: CryptoKey
  /** As published in the JWKS. */
  readonly publicJwk: JWK
}

/** Makes a private key; RSA keys have 2048 bits. */
export async function generateSigningJwk(algorithm: SigningAlgorithm): Promise<JWK> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  return { ...(await exportJWK(privateKey)), alg: algorithm }
}

/** A private JWK → the key. @throws when the JWK is no usable private key for its `alg` */
export async function signingKey(jwk: JWK): Promise<SigningKey> {
  const algorithm = jwk.alg as SigningAlgorithm
  const { kty, crv, x, y, n, e } = jwk
  const bare = Object.fromEntries(
    Object.entries({ kty, crv, x, y, n, e }).filter(([, value]) => value !== undefined),
  ) as JWK
  const kid = await calculateJwkThumbprint(bare)
  const publicJwk = { ...bare, kid, alg: algorithm, use: 'sig' }
  const [privateKey, publicKey] = await Promise.all([
    importJWK(jwk, algorithm, { extractable: false }),
    importJWK(publicJwk, algorithm),
  ])
  return {
    kid,
    algorithm,
    privateKey: privateKey as CryptoKey,
    keyObject: createPrivateKey({ key: jwk, format: 'jwk' }),
    publicKey: publicKey as CryptoKey,
    publicJwk,
  }
}
