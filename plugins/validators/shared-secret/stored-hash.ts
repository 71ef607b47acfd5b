/** What argon2id was told when the hash was made (RFC 9106 §3.1). */
export interface Argon2Parameters {
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly parallelism: number
}

export interface Argon2Hash extends Argon2Parameters {
  readonly kind: 'argon2id'
  /** The registered text. */
  readonly phc: string
  readonly salt: Buffer
  readonly digest: Buffer
}

export type StoredHash =
  | { readonly kind: 'sha256' | 'sha512'; readonly digest: Buffer }
  | Argon2Hash

export type Reading =
  | { readonly ok: true; readonly hash: StoredHash }
  | { readonly ok: false; readonly fault: string }

const MAX_LENGTH = 512
const HASH_IT = 'hash it with `vouchgate hash-secret`'
const PHC = /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([^$]+)\$([^$]+)$/

/**
 * Reads a registered value: padded base64 of a SHA-256 or SHA-512 digest, told apart by length, or an argon2id PHC string.
 * The fault says what the value seems to be, never what it is.
 */
export function readStoredHash(value: string): Reading {
  if (value.length > MAX_LENGTH) return { ok: false, fault: `longer than ${MAX_LENGTH} characters` }
  if (value.startsWith('$')) return readPhc(value)
  const digest = Buffer.from(value, 'base64')
  const exact = digest.toString('base64') === value
  if (exact && digest.length === 32) return { ok: true, hash: { kind: 'sha256', digest } }
  if (exact && digest.length === 64) return { ok: true, hash: { kind: 'sha512', digest } }
  return {
    ok: false,
    fault: `no SHA-256 or SHA-512 in padded base64: ${likeness(value, digest, exact)}`,
  }
}

function likeness(value: string, digest: Buffer, exact: boolean): string {
  if (value !== value.trim()) return 'there is white space around it'
  if (/^([\da-f]{64}|[\da-f]{128})$/i.test(value))
    return 'it looks like hexadecimal; write the same bytes in base64'
  if (/^[\w+/-]+=*$/.test(value) && (digest.length === 32 || digest.length === 64))
    return 'it looks like unpadded base64 or base64url; use the alphabet with + and / and the padding'
  if (exact && (digest.length === 16 || digest.length === 20 || digest.length === 48))
    return `it looks like another hash, of ${digest.length} bytes; ${HASH_IT}`
  return `it looks like the plain secret; ${HASH_IT}`
}

function readPhc(value: string): Reading {
  const [, memory, passes, parallelism, salt, digest] = PHC.exec(value) ?? []
  if (salt === undefined || digest === undefined)
    return { ok: false, fault: `no argon2id PHC string of version 19; ${HASH_IT}` }
  const hash: Argon2Hash = {
    kind: 'argon2id',
    phc: value,
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    digest: Buffer.from(digest, 'base64'),
  }
  const fault =
    unpadded(hash.salt) === salt && unpadded(hash.digest) === digest
      ? boundsFault(hash)
      : 'its salt or hash is not unpadded base64'
  return fault === undefined ? { ok: true, hash } : { ok: false, fault: `argon2id: ${fault}` }
}

function unpadded(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}

/** The bounds keep one registered value from occupying the machine, and node:crypto from refusing it later. */
function boundsFault(hash: Argon2Hash): string | undefined {
  const { memory, passes, parallelism, salt, digest } = hash
  const rules: readonly (readonly [boolean, string])[] = [
    [passes >= 1 && passes <= 10, 't must be from 1 to 10'],
    [parallelism >= 1 && parallelism <= 8, 'p must be from 1 to 8'],
    [memory >= 8 * parallelism && memory <= 262_144, 'm must be from 8p to 262144 (256 MiB)'],
    [salt.length >= 8 && salt.length <= 64, 'the salt must have from 8 to 64 bytes'],
    [digest.length >= 16 && digest.length <= 64, 'the hash must have from 16 to 64 bytes'],
  ]
  return rules.find(([holds]) => !holds)?.[1]
}
