import { SignJWT } from 'jose'
import type { CryptoKey, KeyObject } from 'jose'

import type { Running } from './start-sidecar.ts'

export interface Forgery {
  /** Over those of a good token; undefined takes one out. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly key?: CryptoKey | KeyObject
}

/** A token signed with the sidecar's own key that is good but for what the forgery says. */
export async function forgeToken(
  { sidecar, issuer }: Running,
  clientId: string,
  { claims, header, key }: Forgery = {},
): Promise<string> {
  const { current } = sidecar.snapshot.keyRing
  const now = Math.floor(Date.now() / 1000)
  const payload = {
    iss: issuer,
    aud: issuer,
    sub: clientId,
    client_id: clientId,
    scope: 'read',
    iat: now,
    exp: now + 60,
    jti: 'ABC',
    ...claims,
  }
  return new SignJWT(payload)
    .setProtectedHeader({ alg: 'ES256', kid: current.kid, typ: 'at+jwt', ...header })
    .sign(key ?? current.privateKey)
}
