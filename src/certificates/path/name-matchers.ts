import { DerFault } from './der.ts'
import type { GeneralName } from './general-name.ts'
import { isWithin } from './rdn-sequence.ts'

export type NameType = GeneralName['type']

/** How a name lies to a subtree; `touches`: a wildcard that stands for names on both sides. */
export type Position = 'inside' | 'outside' | 'touches' | 'malformed' | 'incomparable'

/** One subtree of nameConstraints. */
export interface Constraint {
  /** Whether it says something about names of this type. */
  concerns(name: GeneralName): boolean
  judge(name: GeneralName): Position
}

/** Makes a constraint of the base of a subtree. @throws DerFault for a base that makes no sense. */
export function readConstraint(base: GeneralName): Constraint {
  const kinds: { readonly [T in NameType]: () => Constraint } = {
    dns: () => dnsConstraint(textOf(base)),
    email: () => emailConstraint(textOf(base)),
    uri: () => uriConstraint(textOf(base)),
    ip: () => ipConstraint(base),
    directory: () => directoryConstraint(base),
    other: () => incomparable('other'),
    registered: () => incomparable('registered'),
    x400: () => incomparable('x400'),
    edi: () => incomparable('edi'),
  }
  return kinds[base.type]()
}

function textOf(name: GeneralName): string {
  return 'value' in name && typeof name.value === 'string' ? name.value : ''
}

function ofType(type: NameType): Constraint['concerns'] {
  return (name) => name.type === type
}

/** A kind that we do not compare: any name of it is refused where it is constrained. */
function incomparable(type: NameType): Constraint {
  return { concerns: ofType(type), judge: () => 'incomparable' }
}

const hostName =
  /^(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/

/** Lower-cased host name; undefined when it is none. An all-numeric last label would be an address. */
function readHost(text: string): string | undefined {
  const host = text.toLowerCase()
  return host.length <= 253 && hostName.test(host) && !/(?:^|\.)\d+$/.test(host) ? host : undefined
}

function requireHost(text: string): string {
  const host = readHost(text)
  if (host === undefined) throw new DerFault('malformed host name in a constraint')
  return host
}

function isBelow(host: string, base: string): boolean {
  return host.endsWith(`.${base}`)
}

/** `example.com` and everything below it; the empty constraint is every name. */
function dnsConstraint(text: string): Constraint {
  const base = text === '' ? '' : requireHost(text)
  const within = (host: string): boolean => base === '' || host === base || isBelow(host, base)
  return {
    concerns: ofType('dns'),
    judge(name) {
      const wildcard = textOf(name).startsWith('*.')
      const host = readHost(wildcard ? textOf(name).slice(2) : textOf(name))
      if (host === undefined) return 'malformed'
      if (within(host)) return 'inside'
      // `*.example.com` stands for one more label: it may be the base, never something below it.
      const parent = base.slice(base.indexOf('.') + 1)
      return wildcard && base.includes('.') && host === parent ? 'touches' : 'outside'
    },
  }
}

const mailbox = /^([^@\s"(),:;<>[\\\]]{1,64})@([^@]+)$/

function readMailbox(text: string): { readonly local: string; readonly host: string } | undefined {
  const [, local, domain] = mailbox.exec(text) ?? []
  const host = domain === undefined ? undefined : readHost(domain)
  return local === undefined || host === undefined ? undefined : { local, host }
}

const smtpUtf8Mailbox = '1.3.6.1.5.5.7.8.9'

/** A mailbox, a host, or with a leading dot the hosts below a domain. Quoted local parts are refused. */
function emailConstraint(text: string): Constraint {
  const matches = text.includes('@') ? mailboxMatcher(text) : hostMatcher(text)
  return {
    // An internationalised mailbox is an otherName, and falls under constraints on mail (RFC 9598 §6).
    concerns: (name) =>
      name.type === 'email' || (name.type === 'other' && name.oid === smtpUtf8Mailbox),
    judge(name) {
      if (name.type === 'other') return 'incomparable'
      const address = readMailbox(textOf(name))
      if (address === undefined) return 'malformed'
      return matches(address.host, address.local) ? 'inside' : 'outside'
    },
  }
}

type Matcher = (host: string, local: string) => boolean

function mailboxMatcher(text: string): Matcher {
  const wanted = readMailbox(text)
  if (wanted === undefined) throw new DerFault('malformed mailbox in a constraint')
  return (host, local) => host === wanted.host && local === wanted.local
}

/** A host; with a leading dot the hosts below it; empty: every host. */
function hostMatcher(text: string): Matcher {
  if (text === '') return () => true
  const below = text.startsWith('.')
  const base = requireHost(below ? text.slice(1) : text)
  return (host) => (below ? isBelow(host, base) : host === base)
}

const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i

/** A host, or with a leading dot the hosts below a domain. User information and addresses are refused. */
function uriConstraint(text: string): Constraint {
  const matches = hostMatcher(text)
  return {
    concerns: ofType('uri'),
    judge(name) {
      const [, place] = authority.exec(textOf(name)) ?? []
      const host = place === undefined ? undefined : readHost(place.replace(/:\d{0,5}$/, ''))
      if (host === undefined) return 'malformed'
      return matches(host, '') ? 'inside' : 'outside'
    },
  }
}

/** Address and contiguous mask, RFC 4632. */
function ipConstraint(base: GeneralName): Constraint {
  const octets = base.type === 'ip' ? base.value : new Uint8Array()
  if (octets.length !== 8 && octets.length !== 32) throw new DerFault('malformed address range')
  const half = octets.length / 2
  const address = octets.subarray(0, half)
  const mask = octets.subarray(half)
  const bits = [...mask].map((octet) => octet.toString(2).padStart(8, '0')).join('')
  if (!/^1*0*$/.test(bits)) throw new DerFault('malformed address range')
  const fits = (value: Uint8Array): boolean =>
    value.length === half &&
    value.every((octet, index) => ((octet ^ (address[index] ?? 0)) & (mask[index] ?? 0)) === 0)
  return {
    concerns: ofType('ip'),
    judge(name) {
      if (name.type !== 'ip') return 'malformed'
      if (fits(name.value)) return 'inside'
      // An IPv4 address in IPv6 clothes must not slip past an exclusion, nor profit from a permission.
      return isMapped(name.value) && fits(name.value.subarray(12)) ? 'touches' : 'outside'
    },
  }
}

const mappedPrefix = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

function isMapped(address: Uint8Array): boolean {
  return address.length === 16 && mappedPrefix.every((octet, index) => address[index] === octet)
}

function directoryConstraint(base: GeneralName): Constraint {
  if (base.type !== 'directory') throw new DerFault('malformed name')
  return {
    concerns: ofType('directory'),
    judge(name) {
      if (name.type !== 'directory') return 'malformed'
      return isWithin(name.value, base.value) ? 'inside' : 'outside'
    },
  }
}
