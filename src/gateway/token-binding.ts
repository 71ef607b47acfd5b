import type { Confirmation, PeerCertificate, Refusal } from '#contract'

/** How a token was presented. */
export type TokenScheme = 'Bearer' | 'DPoP'

/**
 * Whether a token may be used on this connection and in this scheme; a token bound in two ways needs both.
 * That the caller has the key of a DPoP token is for its proof to show.
 * @returns why not, or undefined
 */
export function tokenBinding(
  confirmation: Confirmation | undefined,
  peer: PeerCertificate | undefined,
  scheme: TokenScheme,
): Refusal | undefined {
  const { 'x5t#S256': thumbprint, jkt } = confirmation ?? {}
  if (thumbprint !== undefined && thumbprint !== peer?.x5tS256) {
    const got = peer ? `certificate ${peer.x5tS256}` : 'no certificate'
    return { reason: 'token-binding', got, want: `certificate ${thumbprint}` }
  }
  if ((jkt === undefined) === (scheme === 'Bearer')) return undefined
  return jkt === undefined
    ? { reason: 'token-binding', got: 'a token that is bound to no key', want: 'the Bearer scheme' }
    : { reason: 'token-binding', got: 'the Bearer scheme', want: `a DPoP proof by key ${jkt}` }
}
