import { hash, timingSafeEqual } from 'node:crypto'

import type { Consideration, Refusal, Secret } from '#contract'

import type { Reading } from './stored-hash.ts'

/** A secret of a client, read once. */
export interface Registered {
  readonly secret: Secret
  readonly reading: Reading
}

export interface Digests {
  readonly sha256: Buffer
  readonly sha512: Buffer
}

/** Both digests, whichever is registered: the work says nothing. */
export function digestsOf(text: string): Digests {
  return { sha256: hash('sha256', text, 'buffer'), sha512: hash('sha512', text, 'buffer') }
}

/** Whether a SHA-256 or SHA-512 is registered and equal. */
export function fitsDigest({ reading }: Registered, digests: Digests): boolean {
  if (!reading.ok || reading.hash.kind === 'argon2id') return false
  return timingSafeEqual(digests[reading.hash.kind], reading.hash.digest)
}

/** Why a secret that was looked at did not fit, with a hint when the client's mistake is recognised. */
export function explain(
  registered: Registered,
  refusal: Refusal,
  presented: Digests,
  trimmed: Digests | undefined,
): Consideration {
  const sentHash = timingSafeEqual(presented.sha256, digestsOf(registered.secret.value).sha256)
  const sentSpace = trimmed !== undefined && fitsDigest(registered, trimmed)
  const hint = sentHash
    ? 'the client sent the hash; it must send what was hashed'
    : sentSpace
      ? 'the client sent white space, perhaps a line break, around the right secret'
      : undefined
  return { secret: registered.secret, ...refusal, ...(hint && { hint }) }
}
