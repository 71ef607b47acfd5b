import { randomUUID } from 'node:crypto'
import type { webcrypto } from 'node:crypto'

import { importJWK, SignJWT } from 'jose'

import { ISSUER } from './start-sidecar.ts'

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

export interface AssertionOptions {
  /** Over those of a good assertion; undefined takes one out. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>> & { readonly alg?: string }
}

/** Signs a client assertion (RFC 7523 §3) that is good but for what the options say. @returns the form fields */
export async function signAssertion(
  clientId: string,
  key: webcrypto.JsonWebKey,
  { claims, header }: AssertionOptions = {},
): Promise<{ readonly client_assertion: string; readonly client_assertion_type: string }> {
  const now = Math.floor(Date.now() / 1000)
  const payload = {
    iss: clientId,
    sub: clientId,
    aud: ISSUER,
    iat: now,
    exp: now + 60,
    jti: randomUUID(),
    ...claims,
  }
  const alg = header?.alg ?? 'ES256'
  const assertion = await new SignJWT(payload)
    .setProtectedHeader({ ...header, alg })
    .sign(await importJWK(key, alg))
  return { client_assertion: assertion, client_assertion_type: ASSERTION_TYPE }
}
