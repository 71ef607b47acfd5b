import { readPathEscape } from './path-escape.ts'

/** The default limit of a request target, in characters. */
export const MAX_TARGET = 8192

/** A request target in origin-form (RFC 9112 §3.2.1), in two parts that make the whole again. */
export type RequestTarget =
  | {
      readonly ok: true
      /** As it was sent, byte for byte. */
      readonly path: string
      /** With its `?`; empty when there is none. */
      readonly query: string
    }
  | { readonly ok: false; readonly reason: string; readonly got?: string; readonly hint?: string }

const [REFUSED, PLAIN, SLASH, PERCENT, QUESTION] = [0, 1, 2, 3, 4]

/** RFC 3986 §3.3 `pchar`, without `;`. */
const PATH = table("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@")
PATH[0x2f] = SLASH
PATH[0x25] = PERCENT
PATH[0x3f] = QUESTION

const NAMED: Readonly<Record<string, string>> = {
  '#': 'fragment',
  '\\': 'backslash',
  ';': 'semicolon',
  ' ': 'space',
}

/**
 * Reads the request line's target for rules and forwarding. Anything that two servers could
 * understand differently is refused; what passes is forwarded as it stands, so it is never
 * rewritten here.
 */
export function readRequestTarget(url: string, maxLength: number = MAX_TARGET): RequestTarget {
  if (url.length > maxLength) {
    return { ok: false, reason: 'path-too-long', got: `${url.length} characters` }
  }
  if (url.charCodeAt(0) !== 0x2f) return notOriginForm(url)
  let segment = 1
  for (let i = 1; i < url.length;) {
    const code = url.charCodeAt(i)
    const kind = code < 128 ? PATH[code] : REFUSED
    if (kind === PLAIN) {
      i++
    } else if (kind === SLASH) {
      const fault = i === segment ? 'path-empty-segment' : dotFault(url, segment, i)
      if (fault !== undefined) return { ok: false, reason: fault, got: `at ${segment}` }
      segment = ++i
    } else if (kind === PERCENT) {
      const next = readPathEscape(url, i)
      if (typeof next === 'string') {
        return { ok: false, reason: next, got: `${shown(url.slice(i, i + 3))} at ${i}` }
      }
      i = next
    } else if (kind === QUESTION) {
      return dotRefusal(url, segment, i) ?? withQuery(url, i)
    } else {
      return characterRefusal('path', url, i)
    }
  }
  return dotRefusal(url, segment, url.length) ?? { ok: true, path: url, query: '' }
}

/** The query is forwarded and never looked at, so it only has to be safe on the request line. */
function withQuery(url: string, start: number): RequestTarget {
  for (let i = start + 1; i < url.length; i++) {
    const code = url.charCodeAt(i)
    if (code <= 0x20 || code >= 0x7f || code === 0x23) return characterRefusal('query', url, i)
  }
  return { ok: true, path: url.slice(0, start), query: url.slice(start) }
}

function dotRefusal(url: string, from: number, to: number): RequestTarget | undefined {
  const reason = dotFault(url, from, to)
  return reason === undefined ? undefined : { ok: false, reason, got: `at ${from}` }
}

function dotFault(url: string, from: number, to: number): string | undefined {
  if (url.charCodeAt(from) !== 0x2e || to - from > 2) return undefined
  return to - from === 1 || url.charCodeAt(from + 1) === 0x2e ? 'path-dot-segment' : undefined
}

function characterRefusal(part: 'path' | 'query', url: string, at: number): RequestTarget {
  const character = url.charAt(at)
  const code = url.charCodeAt(at)
  const word =
    NAMED[character] ??
    (code < 0x20 || code === 0x7f ? 'control' : code > 0x7f ? 'non-ascii' : 'character')
  return {
    ok: false,
    reason: `${part}-${word}`,
    got: `${shown(character)} at ${at}`,
    hint: 'characters outside RFC 3986 must be percent-encoded by the client',
  }
}

function notOriginForm(url: string): RequestTarget {
  const form =
    url === ''
      ? 'empty'
      : url === '*'
        ? 'asterisk-form'
        : /^[a-z][a-z0-9+.-]{0,30}:\/\//i.test(url)
          ? 'absolute-form'
          : 'authority-form'
  return { ok: false, reason: `path-${form}`, hint: 'the request target must begin with a slash' }
}

/** Never a raw control or non-ASCII character. */
function shown(text: string): string {
  return JSON.stringify(text).replace(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function table(plain: string): Uint8Array {
  const kinds = new Uint8Array(128)
  for (const character of plain) kinds[character.charCodeAt(0)] = PLAIN
  return kinds
}
