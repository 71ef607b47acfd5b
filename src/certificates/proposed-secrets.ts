import type { SubjectAltName } from '#contract'

import type { CertificateFacts } from './certificate-facts.ts'
import { names } from './names.ts'
import { subjectAltNames } from './subject-alt-names.ts'

/** A `clientSecrets` entry, ready to paste. */
export interface ProposedSecret {
  readonly type: string
  readonly value: string
  readonly description: string
  /** Absent when the certificate has expired: the entry would never count. */
  readonly expiration?: Date
}

/** The ways to register a certificate. By its name only when somebody else vouches for it. */
export function proposedSecrets(
  facts: CertificateFacts,
  der: Uint8Array,
  now: Date,
): readonly ProposedSecret[] {
  const subject =
    facts.subject.dotnet.slice(0, 200).toWellFormed() || `certificate ${facts.serialNumber}`
  const until = facts.notAfter > now ? { expiration: facts.notAfter } : {}
  const name = facts.selfSigned ? undefined : registrableName(facts)
  return [
    {
      type: 'X509Thumbprint',
      value: facts.thumbprintSha256,
      description: `${subject}, SHA-256`,
      ...until,
    },
    {
      type: 'X509Thumbprint',
      value: facts.thumbprintSha1,
      description: `${subject}, SHA-1`,
      ...until,
    },
    ...(name === undefined
      ? []
      : [{ type: 'X509Name', value: name, description: 'any certificate of that name' }]),
    {
      type: 'X509CertificateBase64',
      value: Buffer.from(der).toString('base64'),
      description: `${subject}, key for signed assertions`,
      ...until,
    },
    ...(facts.spkiPin === ''
      ? []
      : [
          {
            type: 'X509PublicKeyPin',
            value: facts.spkiPin,
            description: 'any certificate of this key',
          },
        ]),
    ...(facts.selfSigned ? [] : subjectAltNames(der).map(altNameSecret)),
  ]
}

const ALT_NAME_TYPES = {
  dns: 'X509SanDns',
  uri: 'X509SanUri',
  ip: 'X509SanIp',
  email: 'X509SanEmail',
} as const

function altNameSecret({ type, text }: SubjectAltName): ProposedSecret {
  return {
    type: ALT_NAME_TYPES[type],
    value: text,
    description: `any certificate with this ${type} name`,
  }
}

// A backslash in a .NET name can be read as an escape; RFC 4514 has one reading only.
function registrableName({ subject: { dotnet, rfc4514 } }: CertificateFacts): string | undefined {
  const wanted = names.read(rfc4514)
  if (!wanted.ok) return undefined
  const read = names.read(dotnet)
  return read.ok && read.key === wanted.key ? dotnet : rfc4514
}
