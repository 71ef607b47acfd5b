type Reading =
  | { readonly ok: true; readonly members: Readonly<Record<string, unknown>> }
  | { readonly ok: false; readonly fault: string }

const MAX_DEPTH = 16
const TOKENS = /"[^"\\]*(?:\\.[^"\\]*)*"(?:\s*:)?|[[\]{}]/gs

/**
 * Reads one part of a compact JWS: unpadded base64url over a UTF-8 JSON object.
 * No member name may occur twice in any object: whoever reads the token next might take the other value.
 */
export function readJsonObject(encoded: string): Reading {
  const bytes = Buffer.from(encoded, 'base64url')
  // Node skips what is no base64url, so only a round trip tells.
  if (bytes.toString('base64url') !== encoded) return { ok: false, fault: 'not base64url' }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
    const value: unknown = JSON.parse(text)
    if (!isObject(value)) return { ok: false, fault: 'not a JSON object' }
    const fault = structureFault(text)
    return fault === undefined ? { ok: true, members: value } : { ok: false, fault }
  } catch {
    return { ok: false, fault: 'not UTF-8 JSON' }
  }
}

/** What is wrong with the nesting or the names of a text that is known to be JSON. One pass, no recursion. */
function structureFault(json: string): string | undefined {
  const open: Set<string>[] = []
  for (const [token] of json.matchAll(TOKENS)) {
    if (token === '{' || token === '[') {
      if (open.push(new Set()) > MAX_DEPTH) return `deeper than ${MAX_DEPTH} levels`
    } else if (token === '}' || token === ']') {
      open.pop()
    } else if (token.endsWith(':')) {
      const name = String(JSON.parse(token.slice(0, -1)))
      const names = open.at(-1)
      if (names?.has(name)) return `a member name that occurs twice: ${name.slice(0, 60)}`
      names?.add(name)
    }
  }
  return undefined
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
