import type { Malformed } from '#contract'

import { readJsonObject } from './read-json-object.ts'

/** The claims of a JWT that is well-formed, nothing of it believed. */
export type JwtReading = { readonly claims: Readonly<Record<string, unknown>> } | Malformed

/** Reads a signed JWT in compact form (RFC 7515 §7.1). @param maxLength in characters */
export function readJwt(jwt: string, maxLength: number): JwtReading {
  if (jwt.length > maxLength) return tooLong('jwt-too-long', jwt, maxLength)
  const parts = jwt.split('.', 6)
  if (parts.length === 5) return malformed('five parts: an encrypted token')
  if (parts.length !== 3)
    return malformed(`parts: ${parts.length > 5 ? 'more than 5' : parts.length}`)
  const [header = '', payload = '', signature = ''] = parts
  if (signature === '') return malformed('no signature')

  const head = readJsonObject(header)
  if (!head.ok) return malformed(`header: ${head.fault}`)
  const claims = readJsonObject(payload)
  if (!claims.ok) return malformed(`payload: ${claims.fault}`)
  return { claims: claims.members }
}

function malformed(got: string): Malformed {
  return { malformed: 'jwt-malformed', got, want: 'a signed JWT in compact form' }
}

/** @param word the machine word for it */
export function tooLong(word: string, text: string, most: number): Malformed {
  return { malformed: word, got: `${text.length} characters`, want: `at most ${most}` }
}
