import { createHash } from 'node:crypto'

/** A client definition with one shared secret, stored as IdentityServer stores it. */
export function secretClient(
  clientId: string,
  secret: string,
  more: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    clientId,
    clientSecrets: [{ value: sha256(secret), description: `secret of ${clientId}` }],
    allowedScopes: ['read', 'write'],
    ...more,
  }
}

/** SHA-256, padded base64. */
export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64')
}
