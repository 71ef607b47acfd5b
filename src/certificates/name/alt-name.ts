import type { AltNameType, NameReading } from '#contract'

import { addressOctets } from '../address-octets.ts'

/**
 * Reads a subject alternative name, registered or of a certificate; the keys of two are equal exactly when they
 * are the same name of the same type. A wildcard names nothing, nor does anything beyond visible ASCII.
 */
export function readAltName(type: AltNameType, text: string): NameReading {
  if (text.length > MAX_LENGTH) return fault(`longer than ${MAX_LENGTH} characters`)
  const foreign = /[^\x21-\x7e]/.exec(text)
  if (foreign) return fault(`character ${foreign.index + 1} is not visible ASCII; ${ENCODED[type]}`)
  const reading = readers[type](text)
  return reading.ok ? { ok: true, key: `${type}:${reading.key}` } : reading
}

const MAX_LENGTH = 2048

const ENCODED: Readonly<Record<AltNameType, string>> = {
  dns: 'write a host name as it is in the DNS, xn--…',
  uri: 'write it percent-encoded',
  ip: 'write an address, not a name',
  email: 'write the domain as it is in the DNS, xn--…',
}

const readers: Readonly<Record<AltNameType, (text: string) => NameReading>> = {
  dns: readHost,
  uri: readUri,
  ip: readAddress,
  email: readMailbox,
}

function fault(text: string): NameReading {
  return { ok: false, fault: text }
}

const LABELS = /^([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?$/

/** Host names do not differ by letter case (RFC 4343). */
function readHost(text: string): NameReading {
  const host = text.toLowerCase()
  if (host.includes('*')) return fault('a wildcard names nobody; write the whole host name')
  if (host.includes('/')) return fault('not a host name; write it without scheme and path')
  if (host.length > 253 || !LABELS.test(host)) return fault('not a host name')
  // As some would read the last label, it is an address.
  if (/(^|\.)(\d+|0x[\da-f]*)$/.test(host)) return fault('an address, not a host name')
  return { ok: true, key: host }
}

function readAddress(text: string): NameReading {
  const octets = addressOctets(text)
  if (octets === undefined) return fault('not an IP address, or one with a zone or a mask')
  // An IPv4 address and the same one inside IPv6 are two names (RFC 5280 §4.2.1.6).
  return { ok: true, key: Buffer.from(octets).toString('hex') }
}

const LOCAL_PART = /^[^@"(),:;<>[\\\]]{1,64}$/

/** The part before the `@` belongs to its host and is compared as it stands (RFC 5280 §7.5). */
function readMailbox(text: string): NameReading {
  const [local = '', domain, ...more] = text.split('@')
  if (domain === undefined || more.length > 0) return fault('not a mail address with one @')
  if (!LOCAL_PART.test(local)) return fault('a quoted or malformed part before the @')
  const host = readHost(domain)
  return host.ok ? { ok: true, key: `${local}@${host.key}` } : host
}

const URI = /^([a-z][a-z0-9+.-]*):(\/\/([^/?#]*))?(.*)$/i
const CHARACTERS = /^([\w.~:/?#[\]@!$&'()*+,;=-]|%[\da-f]{2})*$/i

/**
 * Scheme and host do not differ by letter case, all else is compared as it stands (RFC 5280 §7.4):
 * no default port, no dot segment and no percent-encoding is taken for another writing of the same.
 */
function readUri(text: string): NameReading {
  const [, scheme, , authority, rest] = URI.exec(text) ?? []
  if (scheme === undefined) return fault('not a URI with a scheme')
  if (!CHARACTERS.test(text)) return fault('not a URI; percent-encode what may not stand in one')
  const parts = { scheme: scheme.toLowerCase(), authority, rest: rest ?? '' }
  if (parts.scheme === 'spiffe') return readSpiffeId(parts)
  if (authority === undefined) return { ok: true, key: `${parts.scheme}:${parts.rest}` }
  const place = AUTHORITY.exec(authority)
  if (!place) return fault('malformed host in the URI')
  const [, user = '', host = '', port = ''] = place
  return { ok: true, key: `${parts.scheme}://${user}${host.toLowerCase()}${port}${parts.rest}` }
}

const AUTHORITY = /^([^@[\]]*@)?([^@:[\]]*|\[[\da-f:.]+\])(:\d{0,5})?$/i

interface UriParts {
  readonly scheme: string
  readonly authority: string | undefined
  readonly rest: string
}

const TRUST_DOMAIN = /^[a-z0-9._-]{1,255}$/
const SPIFFE_PATH = /^(\/(?!\.{1,2}(\/|$))[\w.-]+)+$/

/** A SPIFFE ID of a workload: trust domain and path, without port, query, fragment, encoding or empty segments. */
function readSpiffeId({ authority = '', rest }: UriParts): NameReading {
  const domain = authority.toLowerCase()
  if (!TRUST_DOMAIN.test(domain)) return fault('not a trust domain of SPIFFE')
  if (!SPIFFE_PATH.test(rest)) return fault('not the path of a workload in SPIFFE')
  return { ok: true, key: `spiffe://${domain}${rest}` }
}
