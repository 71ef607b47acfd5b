import { strictJsonObject } from '../introspection/issuers/strict-json.ts'
import type { JsonObject } from '../introspection/issuers/strict-json.ts'

/** A DPoP proof taken apart, and not yet believed. */
export type ProofReading =
  | {
      readonly ok: true
      readonly header: JsonObject
      readonly claims: JsonObject
      /** What was signed. */
      readonly input: string
      readonly signature: Buffer
    }
  | { readonly ok: false; readonly reason: string; readonly got?: string; readonly want?: string }

/** Characters. An RSA key of 4096 bits and its signature take 1600. */
const MAX_LENGTH = 4096

/** Takes the value of a `DPoP` header apart: one JWS in compact form, no member of its JSON twice. */
export function readProof(value: string): ProofReading {
  const size = `${value.length} characters`
  if (value.length > MAX_LENGTH) {
    return { ok: false, reason: 'dpop-too-long', got: size, want: `at most ${MAX_LENGTH}` }
  }
  // Node joins the values of a header that came twice; a JWS has no comma.
  if (value.includes(',')) return { ok: false, reason: 'dpop-repeated', want: 'one DPoP header' }
  const [head = '', payload = '', tail = '', ...rest] = value.split('.', 4)
  const header = objectOf(head)
  const claims = objectOf(payload)
  const signature = bytesOf(tail)
  if (!header || !claims || !signature || rest.length > 0) {
    return { ok: false, reason: 'dpop-malformed', got: size, want: 'a JWT in compact form' }
  }
  return { ok: true, header, claims, input: `${head}.${payload}`, signature }
}

function objectOf(encoded: string): JsonObject | undefined {
  const bytes = bytesOf(encoded)
  return bytes && strictJsonObject(bytes)
}

/** Node skips what is no base64url, so only a round trip tells. */
function bytesOf(encoded: string): Buffer | undefined {
  const bytes = Buffer.from(encoded, 'base64url')
  return bytes.length > 0 && bytes.toString('base64url') === encoded ? bytes : undefined
}
