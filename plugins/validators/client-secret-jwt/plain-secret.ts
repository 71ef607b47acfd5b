import type { Secret } from '#contract'

import { LEAST } from './verify-mac.ts'

export const PLAIN_SECRET = 'SharedSecretPlain'

const MOST = 1024
const KEY = /-----BEGIN|^\s*\{/

/**
 * What is wrong with a secret that is kept as it is. A public key in its place would be a secret that everybody knows
 * (RFC 8725 §3.1), and one in the file of definitions is read by whoever reads that.
 */
export function plainSecretFault({ value, referenced, properties }: Secret): string | undefined {
  const [property] = Object.keys(properties)
  if (property !== undefined) return 'such a secret has no properties'
  if (referenced !== true) return 'it must be kept elsewhere; write { env: NAME } or { file: path }'
  if (KEY.test(value)) return 'this is a key or a certificate, not a shared secret'
  const bytes = Buffer.byteLength(value)
  if (bytes < LEAST) return `it has ${bytes} bytes; at least ${LEAST} are needed`
  return bytes > MOST ? `it has ${bytes} bytes; at most ${MOST} are allowed` : undefined
}
