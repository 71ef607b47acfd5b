/** A signed JWT, taken apart and not yet believed. */
export interface Assertion {
  readonly header: Members
  readonly claims: Members
  /** What was signed. */
  readonly input: Buffer
  readonly signature: Buffer
}

export type Members = Readonly<Record<string, unknown>>

// The parser's limit is a matter of configuration; this one holds for whatever parser there is.
const MAX_LENGTH = 262_144

/** Takes a JWS in compact form apart (RFC 7515 §7.1), or `undefined` when it is none. */
export function takeApart(text: string): Assertion | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const [header = '', payload = '', signature = '', ...rest] = text.split('.', 4)
  if (signature === '' || rest.length > 0) return undefined
  const parts = { header: decodeObject(header), claims: decodeObject(payload) }
  const bytes = decode(signature)
  if (!parts.header || !parts.claims || !bytes) return undefined
  const input = Buffer.from(`${header}.${payload}`, 'latin1')
  return { header: parts.header, claims: parts.claims, input, signature: bytes }
}

function decodeObject(part: string): Members | undefined {
  try {
    const value: unknown = JSON.parse(decode(part)?.toString() ?? '')
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function decode(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : undefined
}
