import { createHmac, timingSafeEqual } from 'node:crypto'

/** The bytes of the hash, which a key must have at least (RFC 7518 §3.2). */
const ALGORITHMS = {
  HS256: { digest: 'sha256', bytes: 32 },
  HS384: { digest: 'sha384', bytes: 48 },
  HS512: { digest: 'sha512', bytes: 64 },
} as const

export type HmacName = keyof typeof ALGORITHMS

export const HMAC_NAMES = Object.keys(ALGORITHMS) as readonly HmacName[]

/** Bytes. */
export const LEAST = ALGORITHMS.HS256.bytes

/** Whether a secret is long enough for the algorithm. */
export function suffices(name: HmacName, secret: Uint8Array): boolean {
  return secret.length >= ALGORITHMS[name].bytes
}

/** Verifies an HMAC, in a time that tells nothing of it. */
export function verifyMac(
  name: HmacName,
  secret: Uint8Array,
  input: Uint8Array,
  mac: Uint8Array,
): boolean {
  const { digest, bytes } = ALGORITHMS[name]
  const own = createHmac(digest, secret).update(input).digest()
  return mac.length === bytes && timingSafeEqual(own, mac)
}
