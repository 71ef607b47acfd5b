import type { CertificateDescription } from '../certificates/describe-certificate.ts'
import type { NameForms } from '../certificates/certificate-facts.ts'
import type { ProposedSecret } from '../certificates/proposed-secrets.ts'

/** A description of a certificate for a terminal, ending with `clientSecrets` in YAML. */
export function certificateReport(description: CertificateDescription, now: Date): string {
  const { facts, warnings, others } = description
  const { subjectAltNames, extendedKeyUsage } = facts
  const sections = [
    section('Subject', nameRows(facts.subject)),
    section('Issuer', nameRows(facts.issuer)),
    section('Certificate', [
      ['valid', validity(description, now)],
      ['key', facts.key],
      ['signature', facts.signatureAlgorithm],
      ['serial number', facts.serialNumber],
      ['issued by', facts.selfSigned ? 'itself (self-signed)' : 'another certificate'],
      ['purposes', extendedKeyUsage?.join(', ') ?? 'any'],
      ...subjectAltNames.map(({ type, value }): Row => [`name (${type})`, value]),
    ]),
    section('Thumbprints', [
      ['SHA-1', facts.thumbprintSha1],
      ['SHA-256', facts.thumbprintSha256],
      ['x5t#S256', facts.x5tS256],
      ['SPKI pin', facts.spkiPin],
    ]),
    warnings.length > 0 &&
      `Warnings\n${warnings.map(({ message }) => `  - ${message}\n`).join('')}`,
    others > 0 && `The file holds ${others} more; the first is described.\n`,
    yamlSecrets(description.clientSecrets),
  ]
  return sections.filter((one) => one !== false).join('\n')
}

type Row = readonly [label: string, text: string]

function section(title: string, rows: readonly Row[]): string {
  const lines = rows.map(([label, text]) => `  ${label.padEnd(14)} ${visible(text)}\n`)
  return `${title}\n${lines.join('')}`
}

function nameRows({ dotnet, rfc4514, openssl, slash }: NameForms): readonly Row[] {
  if (dotnet === '') return [['', '(none)']]
  return [
    ['.NET', dotnet],
    ['RFC 4514', rfc4514],
    ['OpenSSL', openssl],
    ['slash', slash],
  ]
}

const PHRASES = {
  valid: 'ends',
  expired: 'EXPIRED',
  'not-yet-valid': 'NOT YET VALID, begins',
} as const

function validity({ facts, validity: state }: CertificateDescription, now: Date): string {
  const { notBefore, notAfter } = facts
  const edge = state === 'not-yet-valid' ? notBefore : notAfter
  return `${day(notBefore)} to ${day(notAfter)} (${PHRASES[state]} ${distance(edge, now)})`
}

function day(date: Date): string {
  return date.toISOString().slice(0, 16).replace('T', ' ')
}

const UNITS = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const

function distance(then: Date, now: Date): string {
  const milliseconds = then.getTime() - now.getTime()
  const size = Math.abs(milliseconds)
  const [unit, length] = UNITS.find(([, each]) => size >= each) ?? UNITS[2]
  const count = Math.floor(size / length)
  const amount = `${count} ${unit}${count === 1 ? '' : 's'}`
  return milliseconds < 0 ? `${amount} ago` : `in ${amount}`
}

function yamlSecrets(secrets: readonly ProposedSecret[]): string {
  const entries = secrets.map(
    ({ type, value, description, expiration }) =>
      `  - type: ${type}\n    value: ${quoted(value)}\n    description: ${quoted(description)}\n` +
      (expiration ? `    expiration: ${quoted(expiration.toISOString())}\n` : ''),
  )
  return `Take one of these for the client:\n\nclientSecrets:\n${entries.join('')}`
}

const INVISIBLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

// A certificate must not be able to write control sequences to a terminal.
function visible(text: string): string {
  return text.replace(INVISIBLE, escaped)
}

// JSON text is YAML, but for some characters that YAML wants escaped.
function quoted(text: string): string {
  return JSON.stringify(text).replace(INVISIBLE, escaped)
}

function escaped(character: string): string {
  const units = Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
  return units.map((unit) => String.raw`\u${unit.toString(16).padStart(4, '0')}`).join('')
}
