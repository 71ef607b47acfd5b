import { createPublicKey } from 'node:crypto'
import type { webcrypto } from 'node:crypto'

import { z } from 'zod'

import { KeyFault } from './public-key.ts'
import type { PublicKey } from './public-key.ts'

export type JwkMembers = Readonly<Record<string, unknown>>

const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'priv']

const text = z.string().max(8192).exactOptional()
const jwk = z.object({
  kty: z.string().max(20),
  crv: text,
  x: text,
  y: text,
  n: text,
  e: text,
  kid: text,
  use: text,
  alg: text,
  key_ops: z.array(z.string()).exactOptional(),
})

/** Reads a public JWK (RFC 7517). @throws {KeyFault} */
export function readJwk(value: string): PublicKey {
  const { members, warning } = parse(value)
  if ('keys' in members)
    throw new KeyFault('this is a JWK Set; register it as a secret of type JWKS')
  return { ...readJwkMembers(members), ...(warning && { warning }) }
}

/** Reads the members of a public JWK. @throws {KeyFault} */
export function readJwkMembers(members: JwkMembers): PublicKey {
  if (PRIVATE_MEMBERS.some((name) => name in members))
    throw new KeyFault(
      'this is a private key; register its public half and give the client a new key',
    )
  if (members['kty'] === 'oct' || 'k' in members) throw new KeyFault('this is a symmetric key')
  const read = jwk.safeParse(members)
  if (!read.success)
    throw new KeyFault(`its member ${read.error.issues[0]?.path.join('.')} is no text`)

  const { kid, use, alg, key_ops: operations, ...key } = read.data
  if (use !== undefined && use !== 'sig') throw new KeyFault('its use is not sig')
  if (operations && !operations.includes('verify')) throw new KeyFault('its key_ops lack verify')
  return {
    key: imported(key),
    ...(kid !== undefined && { kid }),
    ...(alg !== undefined && { alg }),
  }
}

const MAX_KEYS = 50

/** The members of the keys of a JWK Set that may sign; those for encryption are left aside. @throws {KeyFault} */
export function signingKeysOf(value: string): readonly JwkMembers[] {
  const { keys } = asObject(value) ?? {}
  if (!Array.isArray(keys)) throw new KeyFault('it is no JWK Set: {"keys": […]}')
  if (keys.length > MAX_KEYS) throw new KeyFault(`more than ${MAX_KEYS} keys`)
  const members = keys.filter(isObject).filter(({ use }) => use !== 'enc')
  if (members.length === 0) throw new KeyFault('the set has no key that signs')
  return members
}

function imported(key: webcrypto.JsonWebKey) {
  try {
    return createPublicKey({ key, format: 'jwk' })
  } catch {
    throw new KeyFault(
      'it is not a valid public key: a member is missing, or the point is not on its curve',
    )
  }
}

interface Members {
  readonly members: JwkMembers
  readonly warning?: string
}

function parse(value: string): Members {
  const members = asObject(value)
  if (members) return { members }
  // IdentityServer's own sample is written so, and Newtonsoft reads it.
  const requoted = value.includes('"') ? undefined : asObject(value.replaceAll("'", '"'))
  if (requoted) return { members: requoted, warning: 'the JWK is quoted with \' where JSON has "' }
  throw new KeyFault(
    value.includes('-----BEGIN') ? 'this is PEM, not a JWK' : 'it is no JSON object',
  )
}

function asObject(value: string): JwkMembers | undefined {
  try {
    const parsed: unknown = JSON.parse(value)
    return isObject(parsed) ? parsed : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is JwkMembers {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
