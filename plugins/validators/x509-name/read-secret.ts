import type {
  AltNameType,
  NameReading,
  Names,
  PeerCertificate,
  PluginHost,
  Secret,
} from '#contract'

/** What a secret demands of a certificate. */
export interface RegisteredName {
  readonly ok: true
  /** Equal to one of `keysOf` of the certificate that is meant. */
  readonly key: string
  /** The set of anchors that counts for it; absent: the default one. */
  readonly anchors?: string
}

export type SecretReading =
  | RegisteredName
  | { readonly ok: false; readonly fault: string; readonly faultIn?: string }

interface NameType {
  /** Of a certificate that is called otherwise. */
  readonly reason: string
  read(secret: Secret, names: Names): NameReading & { readonly faultIn?: string }
  /** The keys of all that a certificate is called in this way. */
  keysOf(peer: PeerCertificate): readonly string[]
  /** The same, for people. */
  show(peer: PeerCertificate): string
}

const MAX_LENGTH = 4096
const MAX_SHOWN = 5

const subject: NameType = {
  reason: 'cert-subject-mismatch',
  read: ({ value }, names) => prefixed('x509-subject', names.read(value)),
  keysOf: (peer) => [`x509-subject:${peer.subject.key}`],
  show: (peer) => peer.subject.dotnet,
}

/** The subject alone is one of many when an authority is not alone in a set. */
const issuerSubject: NameType = {
  reason: 'cert-issuer-mismatch',
  read({ value, properties: { issuer } }, names) {
    const named = names.read(value)
    if (!named.ok) return named
    if (typeof issuer !== 'string' || issuer.length > MAX_LENGTH) {
      return { ok: false, fault: 'issuer must be the name of the issuer', faultIn: 'issuer' }
    }
    const by = names.read(issuer)
    if (!by.ok) return { ...by, faultIn: 'issuer' }
    return { ok: true, key: bothKeys(named.key, by.key) }
  },
  keysOf: (peer) => [bothKeys(peer.subject.key, peer.issuer.key)],
  show: (peer) => `${peer.subject.dotnet} by ${peer.issuer.dotnet}`,
}

function bothKeys(subjectKey: string, issuerKey: string): string {
  return `x509-issued:${subjectKey} by ${issuerKey}`
}

/** A subject alternative name of one type (RFC 8705 §2.1.2). */
function altName(type: AltNameType): NameType {
  const of = ({ subjectAltNames }: PeerCertificate) =>
    subjectAltNames.filter((name) => name.type === type)
  return {
    reason: 'cert-san-mismatch',
    read: ({ value }, names) => prefixed('x509-san', names.readAltName(type, value)),
    keysOf: (peer) => of(peer).map(({ key }) => `x509-san:${key}`),
    show(peer) {
      const texts = of(peer).map(({ text }) => text)
      return texts.slice(0, MAX_SHOWN).join(', ') || `no ${type} name`
    },
  }
}

function prefixed(prefix: string, reading: NameReading): NameReading {
  return reading.ok ? { ok: true, key: `${prefix}:${reading.key}` } : reading
}

/** Types of secrets → how they name a certificate. */
export const NAME_TYPES: Readonly<Record<string, NameType>> = {
  X509Name: subject,
  X509IssuerSubject: issuerSubject,
  X509SanDns: altName('dns'),
  X509SanUri: altName('uri'),
  X509SanIp: altName('ip'),
  X509SanEmail: altName('email'),
}

/** Reads a secret of one of these types. */
export function readSecret(secret: Secret, { names, anchorSets }: PluginHost): SecretReading {
  const { type, value, properties } = secret
  if (value.length > MAX_LENGTH) return { ok: false, fault: `longer than ${MAX_LENGTH} characters` }
  const { anchors } = properties
  const known = anchors === undefined || anchorSets.some((name) => name === anchors)
  if (!known) {
    const fault = `there is no such set of anchors; there is ${anchorSets.join(', ').slice(0, 500)}`
    return { ok: false, fault, faultIn: 'anchors' }
  }
  if (type !== 'X509IssuerSubject' && 'issuer' in properties) {
    return { ok: false, fault: 'issuer is for X509IssuerSubject secrets', faultIn: 'issuer' }
  }
  const reading = NAME_TYPES[type]?.read(secret, names) ?? { ok: false, fault: 'names nothing' }
  return reading.ok && typeof anchors === 'string' ? { ...reading, anchors } : reading
}
