import { generateKeyPairSync } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import { SignJWT } from 'jose'

export const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
export const JWT_SPIFFE = 'urn:ietf:params:oauth:client-assertion-type:jwt-spiffe'

export interface TokenOptions {
  /** Over those of a good token; undefined takes one out. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  /** Seconds since 1970; absent: now. */
  readonly at?: number
}

/** Whoever says which workload is which: the API server of a cluster, the authority of a trust domain. */
export interface WorkloadIssuer {
  /** The JWK Set or the bundle, JSON. */
  readonly jwks: string
  readonly publicKey: KeyObject
  sign(claims: Readonly<Record<string, unknown>>, options?: TokenOptions): Promise<string>
}

export function workloadIssuer(kid: string, use = 'sig', alg = 'ES256'): WorkloadIssuer {
  const pair =
    alg === 'RS256'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { privateKey, publicKey } = pair
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, use }
  return {
    jwks: JSON.stringify({ keys: [jwk] }),
    publicKey,
    sign(base, { claims, header, at = Math.floor(Date.now() / 1000) } = {}) {
      const payload = { iat: at, exp: at + 600, ...base, ...claims }
      return new SignJWT(payload).setProtectedHeader({ alg, kid, ...header }).sign(privateKey)
    },
  }
}

/** The claims that Kubernetes puts into a projected token, beside the times. */
export function serviceAccountClaims(
  iss: string,
  audience: string,
  [namespace, name]: readonly [string, string],
): Readonly<Record<string, unknown>> {
  return {
    iss,
    aud: [audience],
    sub: `system:serviceaccount:${namespace}:${name}`,
    'kubernetes.io': {
      namespace,
      serviceaccount: { name, uid: '6a0ae69b-6d0f-4bb3-a3ae-5a4b7e9e0d4b' },
      pod: { name: `${name}-0`, uid: '1f4d3a52-0f0c-4b5c-8a36-0e9d6c3b2f11' },
    },
  }
}
