import type { Settings } from '../config/settings-schema.ts'
import { connectionOptions } from './connection-options.ts'
import { forwarding, type Forwarding } from './forwarded/forwarding.ts'
import { plainAddress } from './forwarded/node-address.ts'
import { readWay } from './forwarded/read-way.ts'
import { writeWay } from './forwarded/write-way.ts'
import { headerKinds, KIND, type HeaderKind } from './header-kinds.ts'
import type { OwnedNames } from './owned-names.ts'
import { printable } from './printable.ts'
import { isSoundHost } from './sound-host.ts'

/** The default limit of header lines in a request. */
export const MAX_HEADERS = 100

/** What holds for every request; made once by `headerRules`. */
export interface HeaderRules {
  readonly kindOf: (name: string) => HeaderKind
  readonly owned: OwnedNames
  readonly maxHeaders: number
  readonly forwarding: Forwarding
}

/** What the connection knows of a request, and what its route says. */
export interface Arrival {
  /** The address of the other end of the socket. */
  readonly remoteAddress?: string | undefined
  /** The scheme that the client used. */
  readonly scheme: 'http' | 'https'
  /** `1.1` and `1.0` as node gives it. */
  readonly httpVersion: string
}

/**
 * The upstream's header lines, name and value in turn; a chunked body is left to be framed anew.
 */
export type ForwardedHeaders =
  | {
      readonly ok: true
      readonly headers: string[]
      /**
       * The body's length in bytes: 0 without one, Infinity when only its end will tell (chunked).
       */
      readonly body: number
    }
  | {
      readonly ok: false
      /** 400, 431 or 501; the connection is not to be used again. */
      readonly status: number
      readonly reason: string
      readonly got?: string
    }

/** What RFC 9110 §5.5 lets a field value be made of; obsolete text is passed on as it came. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

const LENGTH = /^(?:0|[1-9][0-9]{0,15})$/

/** Nobody's word on the way counts. */
const ALONE: Settings['forwarded'] = {
  proxies: [],
  headers: 'x-forwarded',
  write: 'x-forwarded',
}

/** `owned` are the names of every identity header part that exists, in use or not. */
export function headerRules(
  owned: OwnedNames,
  maxHeaders: number = MAX_HEADERS,
  forwarded: Settings['forwarded'] = ALONE,
): HeaderRules {
  return { kindOf: headerKinds(owned), owned, maxHeaders, forwarding: forwarding(forwarded) }
}

/**
 * Makes the upstream's headers from the lines of a request (RFC 9110 §7.6), in one pass: what
 * belongs to the connection, what only we may say and what a proxy before us would say is taken
 * out; what could be understood in two ways is refused. What proxies said whom we trust is read
 * and told anew. `rawHeaders` as node gives them: name and value in turn.
 */
export function forwardedHeaders(
  rawHeaders: readonly string[],
  rules: HeaderRules,
  arrival: Arrival,
): ForwardedHeaders {
  if (rawHeaders.length > 2 * rules.maxHeaders) {
    return refuse('too-many-headers', `${rawHeaders.length / 2}`, 431)
  }
  let seen = 0
  let host: string | undefined
  let length: string | undefined
  let coding: string | undefined
  let named: string[] | undefined
  const headers: string[] = ['host', '']
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const value = rawHeaders[i + 1] ?? ''
    const kind = rules.kindOf(name)
    if (!VALUE.test(value)) return refuse('header-value-invalid', printable(name))
    if (kind === KIND.pass) {
      headers.push(name, value)
      continue
    }
    if (kind === KIND.drop) continue
    if (kind === KIND.invalid) return refuse('header-name-invalid')
    if (kind === KIND.disguised) return refuse('header-name-disguised', printable(name))
    if (kind === KIND.connection) {
      const options = connectionOptions(value, rules.kindOf, rules.owned)
      if (!options.ok) return refuse(options.reason, options.got)
      if (options.names.length > 0) (named ??= []).push(...options.names)
      continue
    }
    const bit = 1 << kind
    if ((seen & bit) !== 0) return refuse('header-repeated', name)
    seen |= bit
    if (kind === KIND.host) host = value
    else if (kind === KIND.contentLength) length = value
    else if (kind === KIND.transferEncoding) coding = value
    else if (kind === KIND.contentType) headers.push(name, value)
  }
  if (host === undefined) return refuse('host-missing')
  if (!isSoundHost(host)) return refuse('host-invalid', printable(host))
  const framing = framingRefusal(length, coding, arrival.httpVersion)
  if (framing !== undefined) return framing
  headers[1] = host
  const kept = named === undefined ? headers : without(headers, named)
  if (length !== undefined) kept.push('content-length', length)
  const { remoteAddress, scheme } = arrival
  const way = readWay(rawHeaders, remoteAddress, rules.forwarding)
  if (way?.ok === false) return refuse(way.reason, way.got)
  if (way !== undefined || rules.forwarding.write !== 'x-forwarded') {
    writeWay(kept, rules.forwarding.write, way, { remoteAddress, scheme, host })
  } else {
    if (remoteAddress !== undefined) kept.push('x-forwarded-for', plainAddress(remoteAddress))
    kept.push('x-forwarded-proto', scheme, 'x-forwarded-host', host)
  }
  return {
    ok: true,
    headers: kept,
    body: coding === undefined ? Number(length ?? 0) : Infinity,
  }
}

/** RFC 9112 §6: one framing only, in the one form that nobody reads otherwise. */
function framingRefusal(
  length: string | undefined,
  coding: string | undefined,
  httpVersion: string,
): ForwardedHeaders | undefined {
  if (length !== undefined && !LENGTH.test(length)) {
    return refuse('content-length-invalid', printable(length))
  }
  if (coding === undefined) return undefined
  if (length !== undefined) return refuse('content-length-and-transfer-encoding')
  if (coding.toLowerCase() !== 'chunked') {
    return refuse('transfer-encoding-unsupported', printable(coding), 501)
  }
  return httpVersion === '1.0' ? refuse('transfer-encoding-in-http-1.0') : undefined
}

/** The host stays: `Connection` could not name it. */
function without(headers: readonly string[], names: readonly string[]): string[] {
  const gone = new Set(names)
  return headers.filter((_, i) => !gone.has((headers[i - (i % 2)] ?? '').toLowerCase()))
}

function refuse(reason: string, got?: string, status: number = 400): ForwardedHeaders {
  return got === undefined ? { ok: false, status, reason } : { ok: false, status, reason, got }
}
